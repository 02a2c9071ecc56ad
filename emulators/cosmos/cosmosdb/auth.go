package cosmosdb

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// Azure's error message states this limit: https://github.com/microsoft/vscode-cosmosdb/issues/842
	signatureLifetime = 15 * time.Minute
	maxClockLead      = 5 * time.Minute // estimate: in the issue, Azure refused a date 7 minutes in the future
)

func (s *Server) authorizeToken(r *http.Request, t target, token string) error {
	s.mu.Lock()
	roles, known := s.tokens[token]
	s.mu.Unlock()
	if !known {
		return newError(http.StatusUnauthorized, 0, "The local Cosmos DB does not know this Entra ID token: give the client the master key (COSMOS_KEY)")
	}
	return authorizeRoles(r, t, roles)
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
	roles, master, known := s.signer(signature, signed)
	if !known {
		return newError(http.StatusUnauthorized, 0, "The input authorization token can't serve the request. The wrong key is being used or the expected payload is not built as per the protocol. Server used the following payload to sign:\n%s", signed)
	}
	if age := s.now().Sub(date); age > signatureLifetime || age < -maxClockLead {
		return newError(http.StatusForbidden, 0, "The authorization token is not valid at the current time: its date is %s, the time of the server is %s. Set the clock", sent, s.now().UTC().Format(http.TimeFormat))
	}
	if master {
		return nil
	}
	return authorizeRoles(r, t, roles)
}

func (s *Server) signer(signature []byte, signed string) (roles []Role, master, known bool) {
	by := func(key []byte) bool {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(signed))
		return hmac.Equal(signature, mac.Sum(nil))
	}
	if by(s.key) {
		return nil, true, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, roles := range s.keys {
		if by([]byte(key)) {
			return roles, false, true
		}
	}
	return nil, false, false
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
