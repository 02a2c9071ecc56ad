package objects

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/e2e/s3test"
	"triptych/picture"
)

func openClient(t testing.TB) *s3.Client {
	t.Helper()
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Open(cfg)
}

type explainCase struct {
	code    string
	name    string
	kind    picture.Kind
	provoke func(*testing.T, *s3.Client) error
}

var explainCases = []explainCase{
	{"NoSuchKey", "key that never existed", picture.Gone, func(t *testing.T, c *s3.Client) error {
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
	}},
	{"NoSuchVersion", "deleted version", picture.Gone, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		version := put(t, c, key)
		put(t, c, key)
		remove(t, c, key, version)
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, VersionId: version})
	}},
	{"MethodNotAllowed", "delete marker", picture.Gone, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		version := put(t, c, key)
		marker := remove(t, c, key, nil)
		if aws.ToString(marker) == aws.ToString(version) {
			t.Fatal("S3 created no delete marker")
		}
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, VersionId: marker})
	}},
	{"InvalidArgument", "invalid version", picture.Gone, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		put(t, c, key)
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, VersionId: aws.String("not a version")})
	}},
	{"PreconditionFailed", "replaced object", picture.Gone, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		put(t, c, key)
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, IfMatch: aws.String(`"another"`)})
	}},
	{"PreconditionFailed", "HEAD of a replaced object", picture.Gone, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		put(t, c, key)
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, IfMatch: aws.String(`"another"`)})
		return err
	}},
	{"NotFound", "HEAD of a key that never existed", picture.Gone, func(t *testing.T, c *s3.Client) error {
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
		return err
	}},
	{"NoSuchBucket", "other bucket", picture.Misconfigured, func(t *testing.T, c *s3.Client) error {
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String("pictures-elsewhere"), Key: newKey(t)})
	}},
	{"SignatureDoesNotMatch", "wrong secret key", picture.Forbidden, func(t *testing.T, c *s3.Client) error {
		options := c.Options()
		options.Credentials = credentials.NewStaticCredentialsProvider(s3test.AccessKey, "a guess", "")
		return get(t.Context(), s3.New(options), &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
	}},
	{"", "no server", picture.Unavailable, func(t *testing.T, c *s3.Client) error {
		options := c.Options()
		options.BaseEndpoint = aws.String("http://" + s3test.FreeAddress())
		return get(t.Context(), s3.New(options), &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
	}},
	{"BadRequest", "HEAD with an expired token", picture.Forbidden, func(t *testing.T, c *s3.Client) error {
		gateway.Fail(t, `{"status":400,"code":"ExpiredToken","operations":["HeadObject"]}`)
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
		return err
	}},
	{"Forbidden", "HEAD of an object without permission", picture.Forbidden, func(t *testing.T, c *s3.Client) error {
		key := newKey(t)
		put(t, c, key)
		gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: key})
		return err
	}},
	injected(400, "ExpiredToken", picture.Forbidden),
	injected(403, "AccessDenied", picture.Forbidden),
	injected(403, "InvalidAccessKeyId", picture.Forbidden), // the emulator itself uses another code for an unknown key
	injected(400, "InvalidToken", picture.Forbidden),
	injected(403, "RequestTimeTooSkewed", picture.Forbidden),
	injected(400, "PermanentRedirect", picture.Misconfigured), // not 301, because the SDK would follow it
	injected(400, "AuthorizationHeaderMalformed", picture.Misconfigured),
	injected(400, "AuthorizationQueryParametersError", picture.Misconfigured),
	{"MovedPermanently", "HEAD in another region", picture.Misconfigured, func(t *testing.T, c *s3.Client) error {
		return headAny(t, answering(t, c, http.StatusMovedPermanently, http.Header{"X-Amz-Request-Id": {"4442587FB7D0A2F9"}}, ""))
	}},
	injected(400, "InvalidRequest", picture.Misconfigured),
	injected(403, "AllAccessDisabled", picture.Forbidden),
	injected(403, "AccountProblem", picture.Forbidden),
	injected(403, "NotSignedUp", picture.Forbidden),
	injected(400, "TokenRefreshRequired", picture.Forbidden),
	injected(400, "IllegalLocationConstraintException", picture.Misconfigured),
	{"InvalidBucketName", "uppercase name", picture.Misconfigured, func(t *testing.T, c *s3.Client) error {
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String("Pictures_Elsewhere"), Key: newKey(t)})
	}},
	injected(403, "InvalidObjectState", picture.Misconfigured),
	{keyManagement, "disabled key", picture.Forbidden, injected(400, "KMS.DisabledException", "").provoke},
	{keyManagement, "deleted key", picture.Forbidden, injected(400, "KMS.KMSInvalidStateException", "").provoke},
	injected(400, "KMS.ThrottlingException", picture.Throttled),
	injected(500, "InternalError", picture.Unavailable),
	{"InternalServerError", "HEAD", picture.Unavailable, func(t *testing.T, c *s3.Client) error {
		gateway.Fail(t, `{"status":500,"operations":["HeadObject"]}`)
		return headAny(t, c)
	}},
	injected(503, "ServiceUnavailable", picture.Unavailable),
	injected(503, "SlowDown", picture.Throttled),
	{"", "GET answered 404 by a proxy", picture.Unavailable, proxied(http.StatusNotFound, getAny)},
	{"", "GET answered 405 by a proxy", picture.Unavailable, proxied(http.StatusMethodNotAllowed, getAny)},
	{"", "GET answered 412 by a proxy", picture.Unavailable, proxied(http.StatusPreconditionFailed, getAny)},
	{"", "HEAD answered 404 by a proxy", picture.Unavailable, proxied(http.StatusNotFound, headAny)},
	{"", "HEAD answered 403 by a proxy", picture.Unavailable, proxied(http.StatusForbidden, headAny)},
	{"", "unknown code", picture.Unavailable, injected(501, "NotImplemented", "").provoke},
}

func TestExplain(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range explainCases {
		covered[c.code] = true
		t.Run(fmt.Sprintf("%s/%s", c.code, c.name), func(t *testing.T) {
			gateway.Setenv(t)
			err := c.provoke(t, openClient(t))
			if err == nil {
				t.Fatal("the request succeeded")
			}
			e := Explain(err)
			if e.Kind != c.kind || e.Message != explanations[c.code].message || e.Cloud != picture.AWS {
				t.Errorf("got %s %q of %s, want %s %q; the error is %v", e.Kind, e.Message, e.Cloud, c.kind, explanations[c.code].message, err)
			}
			if e.Err == nil || e.Err.Error() == "" {
				t.Error("S3's own message is missing")
			}
		})
	}
	for code := range explanations {
		if !covered[code] {
			t.Errorf("no test for %q", code)
		}
	}
}

func injected(status int, code string, kind picture.Kind) explainCase {
	return explainCase{code, "injected", kind, func(t *testing.T, c *s3.Client) error {
		gateway.Fail(t, fmt.Sprintf(`{"status":%d,"code":%q}`, status, code))
		return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
	}}
}

// proxied sends a request to a proxy that answers instead of S3.
func proxied(status int, request func(*testing.T, *s3.Client) error) func(*testing.T, *s3.Client) error {
	return func(t *testing.T, c *s3.Client) error {
		return request(t, answering(t, c, status, http.Header{"Content-Type": {"text/html"}}, "<html><body>proxy</body></html>"))
	}
}

func answering(t *testing.T, c *s3.Client, status int, header http.Header, body string) *s3.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			io.WriteString(w, body)
		}
	}))
	t.Cleanup(server.Close)
	options := c.Options()
	options.BaseEndpoint = &server.URL
	return s3.New(options)
}

func getAny(t *testing.T, c *s3.Client) error {
	return get(t.Context(), c, &s3.GetObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
}

func headAny(t *testing.T, c *s3.Client) error {
	_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(s3test.Bucket), Key: newKey(t)})
	return err
}

func newKey(t *testing.T) *string {
	t.Helper()
	key, err := picture.NewID(time.Now(), rand.Text()).Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return &key
}

func get(ctx context.Context, c *s3.Client, in *s3.GetObjectInput) error {
	out, err := c.GetObject(ctx, in)
	if err != nil {
		return err
	}
	defer out.Body.Close()
	_, err = io.Copy(io.Discard, out.Body)
	return err
}

func put(t *testing.T, c *s3.Client, key *string) (version *string) {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, Body: strings.NewReader("picture")})
	if err != nil {
		t.Fatal(err)
	}
	return out.VersionId
}

func remove(t *testing.T, c *s3.Client, key, version *string) *string {
	t.Helper()
	out, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(s3test.Bucket), Key: key, VersionId: version})
	if err != nil {
		t.Fatal(err)
	}
	return out.VersionId
}
