package cosmosdb

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A signature is good for 15 minutes from its x-ms-date. Azure says so in its refusal, as quoted in
// https://github.com/microsoft/vscode-cosmosdb/issues/842, where a date 7 minutes ahead was refused;
// how much of a lead it allows is not published.
const (
	signatureLife = 15 * time.Minute
	signatureLead = 5 * time.Minute
)

// Admit lets in whoever shows token, an access token of Entra ID, with the rights of Cosmos DB Built-in Data Contributor:
// to documents, and not to what holds them. Without it no such token is good.
func (s *Server) Admit(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted = append(s.admitted, token)
}

// ofAnother is the sub-status of a 403 for what no token of Entra ID may do
// (https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden).
const ofAnother = 5300

func (s *Server) authorizeToken(r *http.Request, t target, token string) error {
	s.mu.Lock()
	known := slices.Contains(s.admitted, token)
	s.mu.Unlock()
	switch {
	case !known:
		return refuse(http.StatusUnauthorized, 0, "This token of Entra ID has not been admitted here: give the client the master key (COSMOS_KEY)")
	case r.Method != http.MethodGet && !t.ofDocuments():
		return refuse(http.StatusForbidden, ofAnother, "The given request [%s %s] cannot be authorized by AAD token in data plane", r.Method, r.URL.Path)
	}
	return nil
}

// authorize checks the master key's signature as
// https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources builds it, or the token of Entra ID.
func (s *Server) authorize(r *http.Request, t target) error {
	kind, signature, err := credentials(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	switch kind {
	case "aad":
		return s.authorizeToken(r, t, string(signature))
	case "master":
	default:
		return refuse(http.StatusUnauthorized, 0, "A token of type %.20q: the local Cosmos DB knows the master key (COSMOS_KEY) and tokens of Entra ID", kind)
	}
	sent := r.Header.Get("x-ms-date")
	date, err := http.ParseTime(sent)
	if err != nil {
		return refuse(http.StatusUnauthorized, 0, "The input date header is invalid format. Please pass in RFC 1123 style date format: x-ms-date is %.60q", sent)
	}
	signed := strings.ToLower(r.Method) + "\n" + t.resourceType + "\n" + t.resourceLink + "\n" + strings.ToLower(sent) + "\n\n"
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(signed))
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return refuse(http.StatusUnauthorized, 0, "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol. Server used the following payload to sign:\n%s", signed)
	}
	if age := s.now().Sub(date); age > signatureLife || age < -signatureLead {
		return refuse(http.StatusForbidden, 0, "The authorization token is not valid at the current time: it is dated %s, here it is %s. Set the clock", sent, s.now().UTC().Format(http.TimeFormat))
	}
	return nil
}

// credentials reads type=…&ver=1.0&sig=…, which travels query-escaped.
func credentials(header string) (kind string, signature []byte, err error) {
	if header == "" {
		return "", nil, refuse(http.StatusUnauthorized, 0, "Required Header authorization is missing")
	}
	plain, err := url.QueryUnescape(header)
	if err != nil {
		plain = header
	}
	rest, typed := strings.CutPrefix(plain, "type=")
	kind, rest, versioned := strings.Cut(rest, "&ver=1.0&sig=")
	if !typed || !versioned {
		return "", nil, refuse(http.StatusUnauthorized, 0, "Authorization header doesn't confirm to the required format: type=master&ver=1.0&sig=…, query-escaped")
	}
	if kind != "master" {
		return kind, []byte(rest), nil
	}
	signature, err = base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return "", nil, refuse(http.StatusUnauthorized, 0, "The signature in the Authorization header is not base64, or not query-escaped")
	}
	return kind, signature, nil
}
