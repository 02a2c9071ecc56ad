package cosmos

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
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

// authorize checks the master key's signature as
// https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources builds it.
func (s *Server) authorize(r *http.Request, t target) error {
	kind, signature, err := credentials(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	if kind != "master" {
		return refuse(http.StatusUnauthorized, 0, "A token of type %.20q: the local Cosmos DB knows only the master key, so give the client that (COSMOS_KEY)", kind)
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
		return kind, nil, nil
	}
	signature, err = base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return "", nil, refuse(http.StatusUnauthorized, 0, "The signature in the Authorization header is not base64, or not query-escaped")
	}
	return kind, signature, nil
}
