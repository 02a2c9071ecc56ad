package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"triptych/picture"
)

// azureSignIns are the answers before Cosmos DB is asked, when the worker has no key to it.
var azureSignIns = []occasion{
	awsSays(http.StatusForbidden, "AccessDenied", picture.Forbidden),
	awsSays(http.StatusForbidden, "OutboundWebIdentityFederationDisabledException", picture.Misconfigured),
	entraSays(http.StatusBadRequest, "400", picture.Misconfigured),
	entraSays(http.StatusUnauthorized, "401", picture.Forbidden),
	{cosmosDB, other, "Entra_ID_is_down", picture.Unavailable, 0, entraSays(http.StatusServiceUnavailable, "", "").meet},
	{cosmosDB, other, "Entra_ID_cannot_be_reached", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		return c.keepKeyless(t, proof, "https://"+freePort())
	}},
	{cosmosDB, other, "AWS_cannot_be_reached", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		t.Setenv("AWS_ENDPOINT_URL_STS", "http://"+freePort())
		return c.keepKeyless(t, nil, serveEntra(t, http.StatusUnauthorized))
	}},
}

func awsSays(status int, code string, kind picture.Kind) occasion {
	return occasion{cosmosDB, signingIn + code, itself(0), kind, 0, func(t *testing.T, c *clouds) error {
		return c.keepKeyless(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, code)
		}, serveEntra(t, http.StatusUnauthorized))
	}}
}

func entraSays(status int, code string, kind picture.Kind) occasion {
	return occasion{cosmosDB, signingIn + code, itself(0), kind, 0, func(t *testing.T, c *clouds) error {
		return c.keepKeyless(t, proof, serveEntra(t, status))
	}}
}

// serveEntra is an Entra ID that says where to ask for a token, and then answers status.
func serveEntra(t *testing.T, status int) string {
	t.Helper()
	entra := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			here := "https://" + r.Host + "/tenant/"
			fmt.Fprintf(w, `{"issuer": %q, "authorization_endpoint": "%sauthorize", "token_endpoint": "%stoken"}`, here, here, here)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error": "invalid_client", "error_description": "AADSTS: no"}`)
	}))
	t.Cleanup(entra.Close)
	return entra.URL
}

// proof is what AWS gives for Azure.
func proof(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `<GetWebIdentityTokenResponse><GetWebIdentityTokenResult><WebIdentityToken>proof</WebIdentityToken>
		</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`)
}

// keepKeyless has a Record kept by federation: aws answers for AWS's STS, entra is where Entra ID is.
func (c *clouds) keepKeyless(t *testing.T, aws http.HandlerFunc, entra string) error {
	t.Helper()
	if aws != nil {
		t.Setenv("AWS_ENDPOINT_URL_STS", serveHTTP(t, aws))
	}
	for name, value := range map[string]string{
		"AWS_MAX_ATTEMPTS": "1", "AZURE_FEDERATION": "aws", "AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client", "AZURE_AUTHORITY_HOST": entra,
	} {
		t.Setenv(name, value)
	}
	c.connectRecords(t, "https://"+freePort(), "")
	return c.keep(t)
}
