package ssm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

func TestGetParametersByPath(t *testing.T) {
	store := &Server{Region: "eu-central-1"}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	store.Allow("KEY", "secret", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ssm:GetParametersByPath","Resource":"arn:aws:ssm:eu-central-1:123456789012:parameter/a/*"},
		{"Effect":"Deny","Action":"ssm:*","Resource":"arn:aws:ssm:eu-central-1:123456789012:parameter/a/denied"}]}`))
	want := map[string]string{}
	for i := range 25 {
		name := fmt.Sprintf("/a/b/NAME_%02d", i)
		want[name] = fmt.Sprint(i)
		store.Put(name, want[name])
	}
	store.Put("/a/b/deeper/NAME", "not included")
	store.Put("/a/bc/NAME", "not included")
	store.Put("/a/denied/NAME", "denied")
	client := func(accessKey, secretKey string) *ssm.Client {
		return ssm.New(ssm.Options{Region: "eu-central-1", BaseEndpoint: &server.URL,
			Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, "")})
	}
	read := func(t *testing.T, c *ssm.Client, path string, decrypt bool) (map[string]string, int, error) {
		in := &ssm.GetParametersByPathInput{Path: &path, WithDecryption: &decrypt}
		pages, found, n := ssm.NewGetParametersByPathPaginator(c, in), map[string]string{}, 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				return nil, n, err
			}
			n++
			for _, p := range page.Parameters {
				found[aws.ToString(p.Name)] = aws.ToString(p.Value)
			}
		}
		return found, n, nil
	}
	t.Run("all_parameters_of_a_path_are_returned_in_pages_of_ten", func(t *testing.T) {
		if found, pages, err := read(t, client("KEY", "secret"), "/a/b/", true); err != nil || pages != 3 || !maps.Equal(found, want) {
			t.Errorf("%d pages of %v, %v", pages, found, err)
		}
	})
	t.Run("values_without_decryption_are_not_readable", func(t *testing.T) {
		found, _, err := read(t, client("KEY", "secret"), "/a/b/", false)
		if err != nil || len(found) != len(want) {
			t.Fatalf("found %v, %v", found, err)
		}
		for name, value := range found {
			if value != "encrypted" {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
	for name, c := range map[string]struct{ accessKey, secretKey, path, code string }{
		"path_without_permission_is_refused":         {"KEY", "secret", "/other", "AccessDeniedException"},
		"path_with_an_explicit_Deny_is_refused":      {"KEY", "secret", "/a/denied", "AccessDeniedException"},
		"access_key_without_a_policy_is_refused":     {"OTHER", "secret", "/a/b", "UnrecognizedClientException"},
		"wrong_secret_key_is_refused":                {"KEY", "wrong", "/a/b", "InvalidSignatureException"},
		"prefix_of_a_permitted_path_is_also_refused": {"KEY", "secret", "/a", "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			found, _, err := read(t, client(c.accessKey, c.secretKey), c.path, true)
			if refusal, ok := errors.AsType[smithy.APIError](err); !ok || refusal.ErrorCode() != c.code {
				t.Errorf("found %v, %v, want %s", found, err, c.code)
			}
		})
	}
	for name, tamper := range map[string]func(*http.Request){
		"signature_of_another_body_is_refused": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"Path":"/a/c"}`)), 15
		},
		"signature_of_another_host_is_refused": func(r *http.Request) { r.Host = "localhost" },
		"signature_of_another_date_is_refused": func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().Add(time.Minute).UTC().Format("20060102T150405Z"))
		},
		"request_without_a_signature_is_refused": func(r *http.Request) {
			signed, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", signed+"Signature=")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := client("KEY", "secret")
			_, _, err := read(t, ssm.New(c.Options(), func(o *ssm.Options) { o.HTTPClient = tampering(tamper) }), "/a/b", true)
			if refusal, ok := errors.AsType[smithy.APIError](err); !ok || refusal.ErrorCode() != "InvalidSignatureException" {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestInvalidRequests(t *testing.T) {
	store := &Server{Region: "eu-central-1"}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	store.Allow("KEY", "secret", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	for i := range 12 {
		store.Put(fmt.Sprintf("/a/NAME_%02d", i), "value")
	}
	client := func(delay time.Duration) *ssm.Client {
		return ssm.New(ssm.Options{Region: "eu-central-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
			HTTPSignerV4: delayed{v4.NewSigner(), delay}, Credentials: credentials.NewStaticCredentialsProvider("KEY", "secret", "")})
	}
	for name, tt := range map[string]struct {
		in    ssm.GetParametersByPathInput
		delay time.Duration // of the signature
		want  string        // error code
	}{
		"path_without_a_leading_slash_is_refused": {in: ssm.GetParametersByPathInput{Path: aws.String("a")}, want: "ValidationException"},
		"Recursive_is_refused":                    {in: ssm.GetParametersByPathInput{Recursive: aws.Bool(true)}, want: "ValidationException"},
		"ParameterFilters_are_refused": {in: ssm.GetParametersByPathInput{
			ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Type")}}}, want: "ValidationException"},
		"MaxResults_above_10_is_refused":               {in: ssm.GetParametersByPathInput{MaxResults: aws.Int32(11)}, want: "ValidationException"},
		"negative_MaxResults_is_refused":               {in: ssm.GetParametersByPathInput{MaxResults: aws.Int32(-1)}, want: "ValidationException"},
		"negative_token_is_refused":                    {in: ssm.GetParametersByPathInput{NextToken: aws.String("-3")}, want: "InvalidNextToken"},
		"token_of_another_server_is_refused":           {in: ssm.GetParametersByPathInput{NextToken: aws.String("x")}, want: "InvalidNextToken"},
		"signature_older_than_5_minutes_is_refused":    {delay: -6 * time.Minute, want: "InvalidSignatureException"},
		"signature_of_a_clock_that_is_fast_is_refused": {delay: 6 * time.Minute, want: "InvalidSignatureException"},
		"signature_of_4_minutes_ago_is_accepted":       {delay: -4 * time.Minute},
		"MaxResults_of_10_is_accepted":                 {in: ssm.GetParametersByPathInput{MaxResults: aws.Int32(10)}},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.in.Path == nil {
				tt.in.Path = aws.String("/a")
			}
			_, err := client(tt.delay).GetParametersByPath(t.Context(), &tt.in)
			refusal, _ := errors.AsType[smithy.APIError](err)
			if tt.want == "" && err != nil || tt.want != "" && (refusal == nil || refusal.ErrorCode() != tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("MaxResults_is_the_size_of_a_page", func(t *testing.T) {
		page, err := client(0).GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: aws.String("/a"), MaxResults: aws.Int32(2), NextToken: aws.String("3")})
		if err != nil || len(page.Parameters) != 2 || *page.Parameters[0].Name != "/a/NAME_03" || aws.ToString(page.NextToken) != "5" {
			t.Errorf("page %+v, %v", page, err)
		}
	})
}

type delayed struct {
	*v4.Signer
	delay time.Duration
}

func (d delayed) SignHTTP(ctx context.Context, keys aws.Credentials, r *http.Request, hash, service, region string, now time.Time, options ...func(*v4.SignerOptions)) error {
	return d.Signer.SignHTTP(ctx, keys, r, hash, service, region, now.Add(d.delay), options...)
}

// tampering changes a signed request before it is sent.
type tampering func(*http.Request)

func (change tampering) Do(r *http.Request) (*http.Response, error) {
	change(r)
	return http.DefaultClient.Do(r)
}
