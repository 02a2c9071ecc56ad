package activities

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"triptych/picture"
)

const (
	pool           = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/triptych/providers/aws"
	serviceAccount = "/v1/projects/-/serviceAccounts/worker@triptych.iam.gserviceaccount.com:generateAccessToken"
	nobody         = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of no body
)

// A keyless worker has an AWS role, as an ECS task has it, and the three servers of Google's that it meets on its way:
// the token endpoint, its service account, and Cloud Vision behind TLS, which takes the service account's token only.
type keyless struct {
	*clouds
	role      aws.Credentials
	exchanged chan url.Values // by the token endpoint
	issued    []time.Time     // by the service account: when each token expires
	refuse    map[string]int
	life      func(nth int) time.Duration // of a token
}

func openKeyless(t *testing.T) *keyless {
	t.Helper()
	k := &keyless{clouds: open(t), exchanged: make(chan url.Values, 8), refuse: map[string]int{}, life: func(int) time.Duration { return time.Hour }}
	k.role = aws.Credentials{AccessKeyID: "ASIATASK", SecretAccessKey: "task-secret", SessionToken: "task-session"}
	google := http.NewServeMux()
	google.HandleFunc("POST /v1/token", k.exchange)
	google.HandleFunc("POST "+serviceAccount, k.impersonate)
	tokens := serveHTTP(t, google)
	task := serveHTTP(t, http.HandlerFunc(k.taskRole))
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": task + "/role",
		"TRIPTYCH_VISION_ENDPOINT": k.guard(t, os.Getenv("VISION_EMULATOR_HOST")), "VISION_EMULATOR_HOST": "",
		"GOOGLE_CREDENTIALS_CONFIG": credentialConfig(tokens),
	} {
		t.Setenv(name, value)
	}
	k.signIn(t)
	return k
}

// credentialConfig is what `gcloud iam workload-identity-pools create-cred-config --aws` writes, for a Google at tokens.
func credentialConfig(tokens string) string {
	return fmt.Sprintf(`{"universe_domain": "googleapis.com", "type": "external_account", "audience": %q,
		"subject_token_type": "urn:ietf:params:aws:token-type:aws4_request", "token_url": "%s/v1/token",
		"service_account_impersonation_url": "%s%s", "credential_source": {"environment_id": "aws1",
		"regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}}`,
		pool, tokens, tokens, serviceAccount)
}

// signIn opens Vision anew, by the settings alone.
func (k *keyless) signIn(t *testing.T) {
	t.Helper()
	client, err := OpenVision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	k.Vision = client
}

func serveHTTP(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// taskRole is https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html.
func (k *keyless) taskRole(w http.ResponseWriter, _ *http.Request) {
	if k.refused(w, "role") {
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"AccessKeyId": k.role.AccessKeyID, "SecretAccessKey": k.role.SecretAccessKey,
		"Token": k.role.SessionToken, "Expiration": time.Now().Add(time.Minute)}) // so AWS's chain looks again each time
}

// exchange is https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token.
func (k *keyless) exchange(w http.ResponseWriter, r *http.Request) {
	if k.refused(w, "token") {
		return
	}
	r.ParseForm()
	k.exchanged <- r.PostForm
	fmt.Fprintf(w, `{"access_token": "federated", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": %d}`,
		max(1, int(k.life(len(k.issued)).Seconds())))
}

// impersonate is https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken.
func (k *keyless) impersonate(w http.ResponseWriter, r *http.Request) {
	if k.refused(w, "account") {
		return
	}
	body, _ := io.ReadAll(r.Body)
	const want = `{"lifetime":"3600s","scope":["https://www.googleapis.com/auth/cloud-vision"]}`
	if r.Header.Get("Authorization") != "Bearer federated" || string(body) != want {
		http.Error(w, "not asked as documented", http.StatusTeapot)
		return
	}
	expires := time.Now().Add(k.life(len(k.issued)))
	k.issued = append(k.issued, expires)
	json.NewEncoder(w).Encode(map[string]any{"accessToken": fmt.Sprint("token-", len(k.issued)), "expireTime": expires.UTC()})
}

func (k *keyless) refused(w http.ResponseWriter, who string) bool {
	if k.refuse[who] == 0 {
		return false
	}
	w.WriteHeader(k.refuse[who])
	io.WriteString(w, "{\n  \"error\": \"because\"\n}")
	return true
}

// guard is Cloud Vision's own front before the server at vision: TLS, and no call without the latest token.
func (k *keyless) guard(t *testing.T, vision string) (addr string) {
	t.Helper()
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Transport:     &http.Transport{Protocols: plain},
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: vision}) },
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", len(k.issued)) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16")
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

func TestKeylessGoogle(t *testing.T) {
	t.Run("Google_is_shown_the_task_role_and_Vision_the_service_account's_token", func(t *testing.T) {
		k := openKeyless(t)
		for range 3 {
			if err := k.show(t); err != nil {
				t.Fatal(err)
			}
		}
		if len(k.exchanged) != 1 || len(k.issued) != 1 {
			t.Fatalf("%d exchanges and %d tokens for three pictures", len(k.exchanged), len(k.issued))
		}
		asked := <-k.exchanged
		proof := asked.Get("subject_token")
		delete(asked, "subject_token")
		want := url.Values{
			"audience": {pool}, "grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"subject_token_type":   {"urn:ietf:params:aws:token-type:aws4_request"},
			"scope":                {"https://www.googleapis.com/auth/cloud-platform"},
		}
		if asked.Encode() != want.Encode() {
			t.Errorf("the token endpoint was asked\n%s, want\n%s", asked.Encode(), want.Encode())
		}
		vouched(t, proof, k.role)
	})
	t.Run("a_token_that_has_expired_is_asked_for_again_with_the_role_as_it_is_then", func(t *testing.T) {
		k := openKeyless(t)
		k.life = func(nth int) time.Duration { return time.Duration(nth) * time.Hour } // the first is stillborn
		if err := k.show(t); err != nil {
			t.Fatal(err)
		}
		k.role.SecretAccessKey, k.role.SessionToken = "rotated-secret", "rotated-session"
		for range 2 {
			if err := k.show(t); err != nil {
				t.Fatal(err)
			}
		}
		if len(k.issued) != 2 {
			t.Errorf("%d tokens were issued, want the first and one more", len(k.issued))
		}
		<-k.exchanged
		vouched(t, (<-k.exchanged).Get("subject_token"), k.role)
	})
	t.Run("a_sign_in_that_failed_is_forgotten", func(t *testing.T) {
		k := openKeyless(t)
		k.refuse["token"] = http.StatusUnauthorized
		if err := k.show(t); err == nil {
			t.Fatal("annotated without a token")
		}
		delete(k.refuse, "token")
		if err := k.show(t); err != nil {
			t.Error(err)
		}
	})
	for outcome, setting := range map[string]string{
		"a_setting_that_is_no_JSON_is_refused_by_its_name":        "/etc/google.json",
		"the_key_of_a_service_account_is_refused":                 `{"type":"service_account","private_key":"x"}`,
		"a_federation_from_elsewhere_is_refused":                  `{"type":"external_account","subject_token_type":"urn:ietf:params:oauth:token-type:jwt"}`,
		"a_configuration_without_audience_is_refused_by_its_name": `{"type":"external_account","subject_token_type":"` + callerProof + `"}`,
	} {
		t.Run(outcome, func(t *testing.T) {
			t.Setenv("GOOGLE_CREDENTIALS_CONFIG", setting)
			if _, err := OpenVision(t.Context()); err == nil || !strings.Contains(err.Error(), "GOOGLE_CREDENTIALS_CONFIG") {
				t.Errorf("answered %v", err)
			}
		})
	}
}

// vouched puts the proof to AWS as Google does: a GetCallerIdentity request of this role for this pool, whose signature
// AWS's own library computes again.
func vouched(t *testing.T, proof string, role aws.Credentials) {
	t.Helper()
	plain, err := url.QueryUnescape(proof)
	if err != nil {
		t.Fatal(err)
	}
	var question struct {
		URL, Method string
		Headers     []struct{ Key, Value string }
	}
	if err := json.Unmarshal([]byte(plain), &question); err != nil {
		t.Fatal(err)
	}
	if want := "https://sts." + region + ".amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"; question.Method != "POST" || question.URL != want {
		t.Errorf("Google is to %s %s, want POST %s", question.Method, question.URL, want)
	}
	sent := http.Header{}
	for _, h := range question.Headers {
		sent.Add(h.Key, h.Value)
	}
	signed, err := time.Parse("20060102T150405Z", sent.Get("X-Amz-Date"))
	if err != nil || time.Since(signed).Abs() > time.Minute {
		t.Errorf("signed at %s: %v", sent.Get("X-Amz-Date"), err)
	}
	again, err := http.NewRequest(question.Method, question.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Set("X-Goog-Cloud-Target-Resource", pool)
	if err := v4.NewSigner().SignHTTP(t.Context(), role, again, nobody, "sts", region, signed); err != nil {
		t.Fatal(err)
	}
	sent.Del("Host")
	for _, name := range slices.Sorted(maps.Keys(again.Header)) {
		if sent.Get(name) != again.Header.Get(name) {
			t.Errorf("%s is\n%s, want\n%s", name, sent.Get(name), again.Header.Get(name))
		}
		sent.Del(name)
	}
	if len(sent) > 0 {
		t.Errorf("there are more headers: %v", sent)
	}
}

// signIns are the answers before Vision is asked.
var signIns = []occasion{
	signInSays("role", 500, noCredentials, picture.Forbidden),
	signInSays("token", 400, "400", picture.Misconfigured),
	signInSays("token", 401, "401", picture.Forbidden),
	signInSays("account", 403, "403", picture.Forbidden),
	signInSays("account", 404, "404", picture.Misconfigured),
	{visionRPC, signingIn + noCredentials, "no_region", picture.Forbidden, 0, func(t *testing.T, c *clouds) error {
		k := openKeyless(t)
		t.Setenv("AWS_REGION", "")
		k.signIn(t)
		return k.show(t)
	}},
	{visionRPC, "Unavailable", "the_token_endpoint_is_down", picture.Unavailable, 0, func(t *testing.T, _ *clouds) error {
		k := openKeyless(t)
		k.refuse["token"] = http.StatusServiceUnavailable
		return k.show(t)
	}},
	{visionRPC, "Unavailable", "the_service_account_is_asked_too_often", picture.Unavailable, 0, func(t *testing.T, _ *clouds) error {
		k := openKeyless(t)
		k.refuse["account"] = http.StatusTooManyRequests
		return k.show(t)
	}},
}

func signInSays(who string, status int, code string, kind picture.Kind) occasion {
	return occasion{visionRPC, signingIn + code, who, kind, 0, func(t *testing.T, _ *clouds) error {
		k := openKeyless(t)
		k.refuse[who] = status
		return k.show(t)
	}}
}
