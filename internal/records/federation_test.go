package records

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"triptych/emulators/cosmos/cosmosdb"
)

const (
	tenant   = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	clientID = "11111111-2222-3333-4444-555555555555"
)

type federationEnv struct {
	*account
	config                Config
	assertions, exchanges []url.Values      // requests to AWS and Entra ID
	signatures            []string          // Authorization headers of the requests to AWS
	metadata              []string          // paths of GET requests to Entra ID
	refuse                map[string]int    // HTTP status by server: aws, azure
	awsError              string            // AWS's error code when refused
	lifetime              func(nth int) int // of the nth token in seconds, from 1
}

func newFederationEnv(t *testing.T) *federationEnv {
	t.Helper()
	f := &federationEnv{account: startEmulator(t), refuse: map[string]int{}, awsError: "AccessDenied", lifetime: func(int) int { return 3600 }}
	f.provision(t)
	aws := httptest.NewServer(http.HandlerFunc(f.issueAssertion))
	entra := httptest.NewTLSServer(http.HandlerFunc(f.exchange))
	cosmos := httptest.NewTLSServer(f.account)
	t.Cleanup(func() { aws.Close(); entra.Close(); cosmos.Close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_STS": aws.URL, "AWS_REGION": "eu-central-1", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ACCESS_KEY_ID": "ASIATASK", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AZURE_AUTHORITY_HOST": entra.URL,
	} {
		t.Setenv(name, value)
	}
	f.config = Config{Endpoint: cosmos.URL, Federation: "aws", TenantID: tenant, ClientID: clientID}
	f.loadAWS(t)
	return f
}

func (f *federationEnv) loadAWS(t *testing.T) {
	t.Helper()
	var err error
	if f.config.AWS, err = awsconfig.LoadDefaultConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// issueAssertion implements https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html.
func (f *federationEnv) issueAssertion(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	if status := f.refuse["aws"]; status != 0 {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>not authorized to perform: sts:GetWebIdentityToken</Message></Error></ErrorResponse>`, f.awsError)
		return
	}
	r.ParseForm()
	f.assertions = append(f.assertions, r.PostForm)
	f.signatures = append(f.signatures, r.Header.Get("Authorization"))
	fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
		<WebIdentityToken>assertion-%d</WebIdentityToken><Expiration>2030-01-01T00:00:00Z</Expiration>
		</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`, len(f.assertions))
}

// exchange implements https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case.
func (f *federationEnv) exchange(w http.ResponseWriter, r *http.Request) {
	base := "https://" + r.Host + "/" + tenant
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		f.metadata = append(f.metadata, r.URL.Path)
		fmt.Fprintf(w, `{"issuer": "%s/v2.0", "authorization_endpoint": "%s/oauth2/v2.0/authorize", "token_endpoint": "%s/oauth2/v2.0/token"}`, base, base, base)
		return
	}
	if status := f.refuse["azure"]; status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error": "invalid_client", "error_description": "AADSTS700213: No matching federated identity record found"}`)
		return
	}
	r.ParseForm()
	if r.URL.Path != "/"+tenant+"/oauth2/v2.0/token" {
		http.NotFound(w, r)
		return
	}
	f.exchanges = append(f.exchanges, r.PostForm)
	token := fmt.Sprint("token-", len(f.exchanges))
	f.Admit(token, cosmosdb.DataContributor)
	fmt.Fprintf(w, `{"token_type": "Bearer", "expires_in": %d, "access_token": %q}`, f.lifetime(len(f.exchanges)), token)
}

func TestFederation(t *testing.T) {
	t.Run("AWS_role_is_exchanged_for_an_Azure_token", func(t *testing.T) {
		f := newFederationEnv(t)
		c, r := open(t, f.config), newRecord(t)
		if err := c.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got, _, err := c.Read(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		checkEqual(t, got, r)
		checkOneRequest(t, "AWS", f.assertions, url.Values{
			"Action": {"GetWebIdentityToken"}, "Version": {"2011-06-15"}, "SigningAlgorithm": {"RS256"},
			"Audience.member.1": {"api://AzureADTokenExchange"}, "DurationSeconds": {"300"},
		})
		if s := f.signatures[0]; !strings.HasPrefix(s, "AWS4-HMAC-SHA256 Credential=ASIATASK/") || !strings.Contains(s, "/eu-central-1/sts/aws4_request") {
			t.Errorf("the request to AWS has the signature %s", s)
		}
		checkOneRequest(t, "Entra ID", f.exchanges, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_assertion": {"assertion-1"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"scope":                 {"https://127.0.0.1/.default openid offline_access profile"}, "client_info": {"1"},
		})
		if want := "/" + tenant + "/v2.0/.well-known/openid-configuration"; len(f.metadata) != 1 || f.metadata[0] != want {
			t.Errorf("Entra ID received GET requests for %q, want only %s", f.metadata, want)
		}
	})
	t.Run("expired_token_is_renewed_with_a_new_assertion", func(t *testing.T) {
		f := newFederationEnv(t)
		f.lifetime = func(nth int) int { return 3600 * (nth - 1) } // the first token is expired
		c := open(t, f.config)
		for range 3 {
			if err := c.Create(t.Context(), newRecord(t)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(f.exchanges); n != 2 || f.exchanges[1].Get("client_assertion") != "assertion-2" {
			t.Errorf("%d tokens for three Records, the last one for %v", n, f.exchanges[n-1])
		}
	})
	t.Run("concurrent_calls_share_one_token", func(t *testing.T) {
		f := newFederationEnv(t)
		c := open(t, f.config)
		done := make(chan error)
		for range 10 {
			go func() { done <- c.Create(t.Context(), newRecord(t)) }()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(f.assertions) != 1 || len(f.exchanges) != 1 {
			t.Errorf("%d assertions and %d tokens for ten calls", len(f.assertions), len(f.exchanges))
		}
	})
	for name, test := range map[string]struct {
		server string
		status int
		code   string
	}{
		"refusal_by_AWS":       {"aws", http.StatusForbidden, "AccessDenied"},
		"refusal_by_Entra_ID":  {"azure", http.StatusUnauthorized, "401"},
		"Entra_ID_unavailable": {"azure", http.StatusServiceUnavailable, "503"},
	} {
		t.Run(name+"_has_a_code_and_is_not_cached", func(t *testing.T) {
			f := newFederationEnv(t)
			f.refuse[test.server] = test.status
			c, r := open(t, f.config), newRecord(t)
			failed, ok := errors.AsType[*callError](c.Create(t.Context(), r))
			if !ok || failed.cause != (cause{signingIn, test.code}) || strings.Contains(failed.Error(), "\n") {
				t.Errorf("got %v, want a failed sign-in with code %s in one line", failed, test.code)
			}
			delete(f.refuse, test.server)
			if err := c.Create(t.Context(), r); err != nil {
				t.Errorf("after the refusal: %v", err)
			}
		})
	}
	t.Run("federation_has_precedence_over_a_key", func(t *testing.T) {
		f := newFederationEnv(t)
		f.config.Key = "bm90IHRoZSBrZXk="
		if err := open(t, f.config).Create(t.Context(), newRecord(t)); err != nil {
			t.Error(err)
		}
	})
	for setting, change := range map[string]func(*Config){
		"AZURE_FEDERATION": func(c *Config) { c.Federation = "gcp" },
		"AZURE_TENANT_ID":  func(c *Config) { c.TenantID = "" },
		"AZURE_CLIENT_ID":  func(c *Config) { c.ClientID = "" },
	} {
		t.Run("wrong_"+setting+"_is_refused", func(t *testing.T) {
			f := newFederationEnv(t)
			change(&f.config)
			if _, err := Open(f.config); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("got %v, want an error that names %s", err, setting)
			}
		})
	}
}

func checkOneRequest(t *testing.T, server string, got []url.Values, want url.Values) {
	t.Helper()
	if len(got) != 1 || got[0].Encode() != want.Encode() {
		t.Errorf("%s received\n%v, want\n%v", server, got, want)
	}
}
