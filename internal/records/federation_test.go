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
)

const (
	tenant   = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	clientID = "11111111-2222-3333-4444-555555555555"
)

// A keyless account is a Cosmos DB behind TLS with AWS and Entra ID before it: AWS says who asks, Entra ID gives a token
// for that, and Cosmos DB takes it.
type keyless struct {
	*account
	proven, exchanged []url.Values // what AWS and Entra ID were asked
	signed            []string     // by AWS credentials
	discovered        []string     // paths that were asked of Entra ID besides
	refuse            map[string]int
	life              func(nth int) int // of a token, in seconds
}

func serveKeyless(t *testing.T) *keyless {
	t.Helper()
	k := &keyless{account: serve(t), refuse: map[string]int{}, life: func(int) int { return 3600 }}
	if err := Provision(t.Context(), k.endpoint, k.key); err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(http.HandlerFunc(k.prove))
	entra := httptest.NewTLSServer(http.HandlerFunc(k.exchange))
	cosmos := httptest.NewTLSServer(k.account)
	t.Cleanup(func() { aws.Close(); entra.Close(); cosmos.Close() })
	k.endpoint = cosmos.URL
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_STS": aws.URL, "AWS_REGION": "eu-central-1", "AWS_MAX_ATTEMPTS": "1",
		"AWS_ACCESS_KEY_ID": "ASIATASK", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AZURE_FEDERATION": "aws", "AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": clientID, "AZURE_AUTHORITY_HOST": entra.URL,
	} {
		t.Setenv(name, value)
	}
	return k
}

// prove is https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html.
func (k *keyless) prove(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	if status := k.refuse["aws"]; status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:GetWebIdentityToken</Message></Error></ErrorResponse>`)
		return
	}
	r.ParseForm()
	k.proven = append(k.proven, r.PostForm)
	k.signed = append(k.signed, r.Header.Get("Authorization"))
	fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
		<WebIdentityToken>proof-%d</WebIdentityToken><Expiration>2030-01-01T00:00:00Z</Expiration>
		</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`, len(k.proven))
}

// exchange is https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, the third case.
func (k *keyless) exchange(w http.ResponseWriter, r *http.Request) {
	here := "https://" + r.Host + "/" + tenant
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		k.discovered = append(k.discovered, r.URL.Path)
		fmt.Fprintf(w, `{"issuer": "%s/v2.0", "authorization_endpoint": "%s/oauth2/v2.0/authorize", "token_endpoint": "%s/oauth2/v2.0/token"}`, here, here, here)
		return
	}
	if status := k.refuse["azure"]; status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error": "invalid_client", "error_description": "AADSTS700213: No matching federated identity record found"}`)
		return
	}
	r.ParseForm()
	if r.URL.Path != "/"+tenant+"/oauth2/v2.0/token" {
		http.NotFound(w, r)
		return
	}
	k.exchanged = append(k.exchanged, r.PostForm)
	token := fmt.Sprint("token-", len(k.exchanged))
	k.Admit(token)
	fmt.Fprintf(w, `{"token_type": "Bearer", "expires_in": %d, "access_token": %q}`, k.life(len(k.exchanged)), token)
}

func TestKeylessAzure(t *testing.T) {
	t.Run("AWS_says_who_asks_and_Entra_ID_lets_in", func(t *testing.T) {
		k := serveKeyless(t)
		c, err := Open(k.endpoint, "")
		if err != nil {
			t.Fatal(err)
		}
		r := someRecord(t)
		if err := c.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got, _, err := c.Read(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, r)
		asks(t, "AWS", k.proven, url.Values{
			"Action": {"GetWebIdentityToken"}, "Version": {"2011-06-15"}, "SigningAlgorithm": {"RS256"},
			"Audience.member.1": {"api://AzureADTokenExchange"}, "DurationSeconds": {"300"},
		})
		if by := k.signed[0]; !strings.HasPrefix(by, "AWS4-HMAC-SHA256 Credential=ASIATASK/") || !strings.Contains(by, "/eu-central-1/sts/aws4_request") {
			t.Errorf("AWS was asked by %s", by)
		}
		asks(t, "Entra ID", k.exchanged, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_assertion": {"proof-1"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"scope":                 {"https://127.0.0.1/.default openid offline_access profile"}, "client_info": {"1"},
		})
		if want := "/" + tenant + "/v2.0/.well-known/openid-configuration"; len(k.discovered) != 1 || k.discovered[0] != want {
			t.Errorf("Entra ID was asked for %q besides, want %s", k.discovered, want)
		}
	})
	t.Run("a_token_that_expires_is_replaced_on_a_fresh_proof", func(t *testing.T) {
		k := serveKeyless(t)
		k.life = func(nth int) int { return 3600 * (nth - 1) } // the first is stillborn
		c, err := Open(k.endpoint, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := c.Create(t.Context(), someRecord(t)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(k.exchanged); n != 2 || k.exchanged[1].Get("client_assertion") != "proof-2" {
			t.Errorf("%d tokens for three Records, the last for %v", n, k.exchanged[n-1])
		}
	})
	for name, test := range map[string]struct {
		who    string
		status int
		code   string
	}{
		"a_role_that_AWS_refuses":   {"aws", http.StatusForbidden, "AccessDenied"},
		"a_role_that_Azure_refuses": {"azure", http.StatusUnauthorized, "401"},
		"a_sign_in_that_is_down":    {"azure", http.StatusServiceUnavailable, "503"},
	} {
		t.Run(name+"_is_known_by_its_code_and_forgotten_once_mended", func(t *testing.T) {
			k := serveKeyless(t)
			k.refuse[test.who] = test.status
			c, err := Open(k.endpoint, "")
			if err != nil {
				t.Fatal(err)
			}
			r := someRecord(t)
			failed, ok := errors.AsType[*SignInError](c.Create(t.Context(), r))
			if !ok || failed.Code != test.code || strings.Contains(failed.Error(), "\n") {
				t.Errorf("%v, want a SignInError of code %s on one line", failed, test.code)
			}
			delete(k.refuse, test.who)
			if err := c.Create(t.Context(), r); err != nil {
				t.Errorf("once mended: %v", err)
			}
		})
	}
	t.Run("a_token_makes_no_database", func(t *testing.T) {
		k := serveKeyless(t)
		if err := Provision(t.Context(), k.endpoint, ""); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("answered %v", err)
		}
	})
	t.Run("federation_goes_before_a_key_that_was_left_over", func(t *testing.T) {
		k := serveKeyless(t)
		c, err := Open(k.endpoint, "bm90IHRoZSBrZXk=")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Create(t.Context(), someRecord(t)); err != nil {
			t.Error(err)
		}
	})
	for setting, value := range map[string]string{"AZURE_FEDERATION": "gcp", "AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": ""} {
		t.Run("a_wrong_"+setting+"_is_refused_by_its_name", func(t *testing.T) {
			k := serveKeyless(t)
			t.Setenv(setting, value)
			if _, err := Open(k.endpoint, ""); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("answered %v", err)
			}
		})
	}
}

// asks checks that there was one question, and that it was exactly this one.
func asks(t *testing.T, whom string, asked []url.Values, want url.Values) {
	t.Helper()
	if len(asked) != 1 || asked[0].Encode() != want.Encode() {
		t.Errorf("%s was asked\n%v, want\n%v", whom, asked, want)
	}
}
