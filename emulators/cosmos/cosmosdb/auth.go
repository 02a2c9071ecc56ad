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

const (
	// Azure's error message states this limit: https://github.com/microsoft/vscode-cosmosdb/issues/842
	signatureLifetime = 15 * time.Minute
	maxClockLead      = 5 * time.Minute // estimate: in the issue, Azure refused a date 7 minutes in the future
)

func (s *Server) Admit(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, token)
}

// Sub-status of a 403: the operation needs the master key, but the client sent an Entra ID token
// (https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden).
const notAllowedForToken = 5300

func (s *Server) authorizeToken(r *http.Request, t target, token string) error {
	s.mu.Lock()
	known := slices.Contains(s.tokens, token)
	s.mu.Unlock()
	switch {
	case !known:
		return newError(http.StatusUnauthorized, 0, "The local Cosmos DB does not know this Entra ID token: give the client the master key (COSMOS_KEY)")
	case r.Method != http.MethodGet && !t.isDocument():
		return newError(http.StatusForbidden, notAllowedForToken, "The given request [%s %s] cannot be authorized by AAD token in data plane", r.Method, r.URL.Path)
	}
	return nil
}

// Signatures: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
func (s *Server) authorize(r *http.Request, t target) error {
	kind, credential, err := credentials(r.Header.Get("Authorization"))
	switch {
	case err != nil:
		return err
	case kind == "aad":
		return s.authorizeToken(r, t, credential)
	case kind != "master":
		return newError(http.StatusUnauthorized, 0, "The local Cosmos DB does not support tokens of type %.20q: use the master key (COSMOS_KEY)", kind)
	}
	signature, err := base64.StdEncoding.DecodeString(credential)
	if err != nil {
		return newError(http.StatusUnauthorized, 0, "The signature in the Authorization header is not base64, or not query-escaped")
	}
	sent := r.Header.Get("x-ms-date")
	date, err := http.ParseTime(sent)
	if err != nil {
		return newError(http.StatusUnauthorized, 0, "The input date header is invalid format. Please pass in RFC 1123 style date format: x-ms-date is %.60q", sent)
	}
	signed := strings.ToLower(r.Method) + "\n" + t.resourceType + "\n" + t.resourceLink + "\n" + strings.ToLower(sent) + "\n\n"
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(signed))
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return newError(http.StatusUnauthorized, 0, "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol. Server used the following payload to sign:\n%s", signed)
	}
	if age := s.now().Sub(date); age > signatureLifetime || age < -maxClockLead {
		return newError(http.StatusForbidden, 0, "The authorization token is not valid at the current time: its date is %s, the time of the server is %s. Set the clock", sent, s.now().UTC().Format(http.TimeFormat))
	}
	return nil
}

// credentials parses type=…&ver=1.0&sig=…, which is query-escaped.
func credentials(header string) (kind, credential string, err error) {
	if header == "" {
		return "", "", newError(http.StatusUnauthorized, 0, "Required Header authorization is missing")
	}
	plain, err := url.QueryUnescape(header)
	if err != nil {
		plain = header
	}
	rest, typed := strings.CutPrefix(plain, "type=")
	kind, credential, versioned := strings.Cut(rest, "&ver=1.0&sig=")
	if !typed || !versioned {
		return "", "", newError(http.StatusUnauthorized, 0, "Authorization header doesn't confirm to the required format: type=master&ver=1.0&sig=…, query-escaped")
	}
	return kind, credential, nil
}
