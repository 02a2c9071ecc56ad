package vision

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

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"triptych/picture"
)

const (
	region         = "eu-central-1"
	pool           = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/triptych/providers/aws"
	serviceAccount = "/v1/projects/-/serviceAccounts/worker@triptych.iam.gserviceaccount.com:generateAccessToken"
	emptySHA256    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

type federationEnv struct {
	client    *visionapi.ImageAnnotatorClient
	config    Config
	photo     string
	role      aws.Credentials
	exchanged chan url.Values             // requests to the token endpoint
	issued    []time.Time                 // expiries of the service account's tokens
	refuse    map[string]int              // HTTP status by server: role, token, account
	lifetime  func(nth int) time.Duration // of the nth token, from 0
}

func newFederationEnv(t *testing.T) *federationEnv {
	t.Helper()
	_, emulator := startEmulator(t)
	f := &federationEnv{photo: photoURL(t), exchanged: make(chan url.Values, 8), refuse: map[string]int{}, lifetime: func(int) time.Duration { return time.Hour }}
	f.role = aws.Credentials{AccessKeyID: "ASIATASK", SecretAccessKey: "task-secret", SessionToken: "task-session"}
	google := http.NewServeMux()
	google.HandleFunc("POST /v1/token", f.exchange)
	google.HandleFunc("POST "+serviceAccount, f.impersonate)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": region,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": serve(t, http.HandlerFunc(f.taskRole)) + "/role",
	} {
		t.Setenv(name, value)
	}
	f.config = Config{Endpoint: f.serveVision(t, emulator), CredentialsConfig: credentialsConfig(serve(t, google))}
	f.signIn(t)
	return f
}

// credentialsConfig imitates `gcloud iam workload-identity-pools create-cred-config --aws`.
func credentialsConfig(google string) string {
	return fmt.Sprintf(`{"universe_domain": "googleapis.com", "type": "external_account", "audience": %q,
		"subject_token_type": "urn:ietf:params:aws:token-type:aws4_request", "token_url": "%s/v1/token",
		"service_account_impersonation_url": "%s%s", "credential_source": {"environment_id": "aws1",
		"regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}}`,
		pool, google, google, serviceAccount)
}

// signIn replaces f.client to force a new sign-in: a new client has no cached token.
func (f *federationEnv) signIn(t *testing.T) {
	t.Helper()
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.config.AWS = cfg
	f.client = openClient(t, f.config)
}

func (f *federationEnv) annotate(t *testing.T) error {
	t.Helper()
	return annotate(t.Context(), f.client, byURI(f.photo), "FACE_DETECTION")
}

// taskRole implements https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html.
func (f *federationEnv) taskRole(w http.ResponseWriter, _ *http.Request) {
	if f.refused(w, "role") {
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"AccessKeyId": f.role.AccessKeyID, "SecretAccessKey": f.role.SecretAccessKey,
		"Token": f.role.SessionToken, "Expiration": time.Now().Add(time.Minute)}) // so short that the SDK does not cache it
}

// exchange implements https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token.
func (f *federationEnv) exchange(w http.ResponseWriter, r *http.Request) {
	if f.refused(w, "token") {
		return
	}
	r.ParseForm()
	f.exchanged <- r.PostForm
	fmt.Fprintf(w, `{"access_token": "federated", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": %d}`,
		max(1, int(f.lifetime(len(f.issued)).Seconds())))
}

// impersonate implements https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken.
func (f *federationEnv) impersonate(w http.ResponseWriter, r *http.Request) {
	if f.refused(w, "account") {
		return
	}
	body, _ := io.ReadAll(r.Body)
	const want = `{"lifetime":"3600s","scope":["https://www.googleapis.com/auth/cloud-vision"]}`
	if r.Header.Get("Authorization") != "Bearer federated" || string(body) != want {
		http.Error(w, "the request is not as documented", http.StatusTeapot)
		return
	}
	expires := time.Now().Add(f.lifetime(len(f.issued)))
	f.issued = append(f.issued, expires)
	json.NewEncoder(w).Encode(map[string]any{"accessToken": fmt.Sprint("token-", len(f.issued)), "expireTime": expires.UTC()})
}

func (f *federationEnv) refused(w http.ResponseWriter, server string) bool {
	if f.refuse[server] == 0 {
		return false
	}
	w.WriteHeader(f.refuse[server])
	io.WriteString(w, "{\n  \"error\": \"because\"\n}")
	return true
}

// serveVision accepts only the latest token.
func (f *federationEnv) serveVision(t *testing.T, emulator string) (address string) {
	t.Helper()
	plaintext := new(http.Protocols)
	plaintext.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Transport:     &http.Transport{Protocols: plaintext},
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: emulator}) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", len(f.issued)) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16")
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestFederation(t *testing.T) {
	t.Run("task_role_is_exchanged_once_for_the_service_account's_token", func(t *testing.T) {
		f := newFederationEnv(t)
		for range 3 {
			if err := f.annotate(t); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.exchanged) != 1 || len(f.issued) != 1 {
			t.Fatalf("%d exchanges and %d tokens for three calls", len(f.exchanged), len(f.issued))
		}
		form := <-f.exchanged
		subject := form.Get("subject_token")
		delete(form, "subject_token")
		want := url.Values{
			"audience": {pool}, "grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"subject_token_type":   {"urn:ietf:params:aws:token-type:aws4_request"},
			"scope":                {"https://www.googleapis.com/auth/cloud-platform"},
		}
		if form.Encode() != want.Encode() {
			t.Errorf("the token request is\n%s, want\n%s", form.Encode(), want.Encode())
		}
		checkSubjectToken(t, subject, f.role)
	})
	t.Run("expired_token_is_renewed_with_the_current_role", func(t *testing.T) {
		f := newFederationEnv(t)
		f.lifetime = func(nth int) time.Duration { return time.Duration(nth) * time.Hour } // the first token is expired
		if err := f.annotate(t); err != nil {
			t.Fatal(err)
		}
		f.role.SecretAccessKey, f.role.SessionToken = "rotated-secret", "rotated-session"
		for range 2 {
			if err := f.annotate(t); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.issued) != 2 {
			t.Errorf("%d tokens were issued, want 2", len(f.issued))
		}
		<-f.exchanged
		checkSubjectToken(t, (<-f.exchanged).Get("subject_token"), f.role)
	})
	t.Run("failed_sign_in_is_not_cached", func(t *testing.T) {
		f := newFederationEnv(t)
		f.refuse["token"] = http.StatusUnauthorized
		if err := f.annotate(t); err == nil {
			t.Fatal("the call succeeded without a token")
		}
		delete(f.refuse, "token")
		if err := f.annotate(t); err != nil {
			t.Error(err)
		}
	})
	for name, setting := range map[string]string{
		"path_instead_of_JSON":           "/etc/google.json",
		"service_account_key":            `{"type":"service_account","private_key":"x"}`,
		"federation_from_another_cloud":  `{"type":"external_account","subject_token_type":"urn:ietf:params:oauth:token-type:jwt"}`,
		"configuration_without_audience": `{"type":"external_account","subject_token_type":"` + subjectTokenType + `"}`,
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			if _, err := Open(t.Context(), Config{CredentialsConfig: setting}); err == nil || !strings.Contains(err.Error(), "GOOGLE_CREDENTIALS_CONFIG") {
				t.Errorf("got %v, want an error that names GOOGLE_CREDENTIALS_CONFIG", err)
			}
		})
	}
}

// The token is a signed request to AWS (GetCallerIdentity), by which Google verifies the AWS role.
func checkSubjectToken(t *testing.T, token string, role aws.Credentials) {
	t.Helper()
	decoded, err := url.QueryUnescape(token)
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		URL, Method string
		Headers     []struct{ Key, Value string }
	}
	if err := json.Unmarshal([]byte(decoded), &request); err != nil {
		t.Fatal(err)
	}
	if want := "https://sts." + region + ".amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"; request.Method != "POST" || request.URL != want {
		t.Errorf("the token is %s %s, want POST %s", request.Method, request.URL, want)
	}
	sent := http.Header{}
	for _, h := range request.Headers {
		sent.Add(h.Key, h.Value)
	}
	signedAt, err := time.Parse("20060102T150405Z", sent.Get("X-Amz-Date"))
	if err != nil || time.Since(signedAt).Abs() > time.Minute {
		t.Errorf("signed at %s: %v", sent.Get("X-Amz-Date"), err)
	}
	want, err := http.NewRequest(request.Method, request.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Header.Set("X-Goog-Cloud-Target-Resource", pool)
	if err := v4.NewSigner().SignHTTP(t.Context(), role, want, emptySHA256, "sts", region, signedAt); err != nil {
		t.Fatal(err)
	}
	sent.Del("Host")
	for _, name := range slices.Sorted(maps.Keys(want.Header)) {
		if sent.Get(name) != want.Header.Get(name) {
			t.Errorf("%s is\n%s, want\n%s", name, sent.Get(name), want.Header.Get(name))
		}
		sent.Del(name)
	}
	if len(sent) > 0 {
		t.Errorf("unexpected headers: %v", sent)
	}
}

func signInCases() []explainCase {
	return []explainCase{
		signInRefused("role", 500, noCredentials, picture.Forbidden),
		signInRefused("token", 400, "400", picture.Misconfigured),
		signInRefused("token", 401, "401", picture.Forbidden),
		signInRefused("account", 403, "403", picture.Forbidden),
		signInRefused("account", 404, "404", picture.Misconfigured),
		{cause{signingIn, ""}, "unknown status", picture.Unavailable, 0, signInRefused("token", 418, "", "").provoke},
		{cause{signingIn, noCredentials}, "no region", picture.Forbidden, 0, func(t *testing.T) error {
			f := newFederationEnv(t)
			t.Setenv("AWS_REGION", "")
			f.signIn(t)
			return f.annotate(t)
		}},
		{cause{call, "Unavailable"}, "token endpoint is down", picture.Unavailable, 0, signInRefused("token", http.StatusServiceUnavailable, "", "").provoke},
		{cause{call, "Unavailable"}, "service account is throttled", picture.Unavailable, 0, signInRefused("account", http.StatusTooManyRequests, "", "").provoke},
	}
}

func signInRefused(server string, status int, code string, kind picture.Kind) explainCase {
	return explainCase{cause{signingIn, code}, server, kind, 0, func(t *testing.T) error {
		f := newFederationEnv(t)
		f.refuse[server] = status
		return f.annotate(t)
	}}
}
