package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const picture = "these are the bytes of a picture"

func checksum(body string) string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func grant(t testing.TB, c *s3.Client, key string, options ...func(*s3.PresignOptions)) *v4.PresignedHTTPRequest {
	t.Helper()
	signed, err := s3.NewPresignClient(c).PresignPutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: &key, ContentType: aws.String("image/jpeg"),
		ContentLength: aws.Int64(int64(len(picture))), ChecksumSHA256: aws.String(checksum(picture)), IfNoneMatch: aws.String("*"),
	}, append(options, s3.WithPresignExpires(time.Minute))...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func signedAfter(delay time.Duration) func(*s3.PresignOptions) {
	return func(o *s3.PresignOptions) {
		o.Presigner = delayed{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), delay}
	}
}

type delayed struct {
	*v4.Signer
	delay time.Duration
}

func (d delayed) PresignHTTP(
	ctx context.Context, creds aws.Credentials, r *http.Request, payloadHash, service, region string,
	now time.Time, options ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	return d.Signer.PresignHTTP(ctx, creds, r, payloadHash, service, region, now.Add(d.delay), options...)
}

// The HTTP client sets Host and Content-Length.
func headers(signed *v4.PresignedHTTPRequest) map[string]string {
	h := map[string]string{}
	for name := range signed.SignedHeader {
		if name != "Host" && name != "Content-Length" {
			h[name] = signed.SignedHeader.Get(name)
		}
	}
	return h
}

func TestGrant(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)

	t.Run("length_type_checksum_and_condition_are_signed", func(t *testing.T) {
		u, err := url.Parse(grant(t, s.Client, "pictures/signed.jpg").URL)
		if err != nil {
			t.Fatal(err)
		}
		signed := strings.Split(u.Query().Get("X-Amz-SignedHeaders"), ";")
		want := []string{"content-length", "content-type", "host", "if-none-match", "x-amz-checksum-sha256"}
		if !slices.Equal(signed, want) {
			t.Errorf("signed headers %q, want %q", signed, want)
		}
	})
	t.Run("second_upload_is_412", func(t *testing.T) {
		signed := grant(t, s.Client, "pictures/once.jpg")
		first := do(t, "PUT", signed.URL, headers(signed), picture)
		if first.StatusCode != 200 || first.Header.Get("X-Amz-Version-Id") == "" || first.Header.Get("Etag") == "" {
			t.Fatalf("first PUT: %s %v %s", first.Status, first.Header, text(t, first))
		}
		second := do(t, "PUT", signed.URL, headers(signed), picture)
		if code := errorCode(t, second); second.StatusCode != 412 || code != "PreconditionFailed" {
			t.Errorf("second PUT: %s %s, want 412 PreconditionFailed", second.Status, code)
		}
		if e := l.next(t); e.S3.Object.URLDecodedKey != "pictures/once.jpg" {
			t.Errorf("event of %q", e.S3.Object.URLDecodedKey)
		}
	})
	refusals := []struct {
		name   string
		change func(h map[string]string, link *string, body *string)
		status int
		code   string
	}{
		{"bytes_that_do_not_match_the_checksum_are_refused", func(_ map[string]string, _, body *string) {
			*body = strings.ToUpper(*body)
		}, 400, "BadDigest"},
		{"length_that_was_not_signed_is_refused", func(_ map[string]string, _, body *string) {
			*body += "!"
		}, 403, "SignatureDoesNotMatch"},
		{"type_that_was_not_signed_is_refused", func(h map[string]string, _, _ *string) {
			h["Content-Type"] = "text/html"
		}, 403, "SignatureDoesNotMatch"},
		{"checksum_that_was_not_signed_is_refused", func(h map[string]string, _, body *string) {
			*body = strings.ToUpper(*body)
			h["X-Amz-Checksum-Sha256"] = checksum(*body)
		}, 403, "SignatureDoesNotMatch"},
		{"missing_checksum_is_refused", func(h map[string]string, _, _ *string) {
			delete(h, "X-Amz-Checksum-Sha256")
		}, 403, "SignatureDoesNotMatch"},
		{"missing_condition_is_refused", func(h map[string]string, _, _ *string) {
			delete(h, "If-None-Match")
		}, 403, "SignatureDoesNotMatch"},
		{"key_that_was_not_signed_is_refused", func(_ map[string]string, link, _ *string) {
			*link = strings.Replace(*link, "refused.jpg", "another.jpg", 1)
		}, 403, "SignatureDoesNotMatch"},
		{"wrong_signature_is_refused", func(_ map[string]string, link, _ *string) {
			head, signature, _ := strings.Cut(*link, "X-Amz-Signature=")
			*link = head + "X-Amz-Signature=" + strings.Repeat("0", len(signature))
		}, 403, "SignatureDoesNotMatch"},
		{"changed_expiry_is_refused", func(_ map[string]string, link, _ *string) {
			*link = strings.Replace(*link, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1)
		}, 403, "SignatureDoesNotMatch"},
		{"upload_without_a_signature_is_refused", func(_ map[string]string, link, _ *string) {
			*link, _, _ = strings.Cut(*link, "?")
		}, 403, "AccessDenied"},
	}
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			signed := grant(t, s.Client, "pictures/refused.jpg")
			h, link, body := headers(signed), signed.URL, picture
			tt.change(h, &link, &body)
			resp := do(t, "PUT", link, h, body)
			if code := errorCode(t, resp); resp.StatusCode != tt.status || code != tt.code {
				t.Errorf("PUT: %s %s, want %d %s", resp.Status, code, tt.status, tt.code)
			}
		})
	}
	t.Run("refused_uploads_are_not_stored", func(t *testing.T) {
		list, err := s.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Versions) != 1 || aws.ToString(list.Versions[0].Key) != "pictures/once.jpg" {
			t.Errorf("versions %v, want only pictures/once.jpg", list.Versions)
		}
	})
	t.Run("expired_grant_is_refused", func(t *testing.T) {
		signed := grant(t, s.Client, "pictures/late.jpg", signedAfter(-time.Hour))
		resp := do(t, "PUT", signed.URL, headers(signed), picture)
		if code := errorCode(t, resp); resp.StatusCode != 403 || code != "AccessDenied" {
			t.Errorf("PUT: %s %s, want 403 AccessDenied", resp.Status, code)
		}
	})
	t.Run("grant_signed_with_another_key_is_refused", func(t *testing.T) {
		signed := grant(t, client(s.url, "LOCALKEY", "guessed"), "pictures/other-key.jpg")
		if resp := do(t, "PUT", signed.URL, headers(signed), picture); resp.StatusCode != 403 {
			t.Errorf("PUT: %s, want 403", resp.Status)
		}
	})
}

func TestPresignedGet(t *testing.T) {
	s := start(t, t.TempDir(), startLambda(t).URL)
	put, err := s.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg"), Body: strings.NewReader("old"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg"), Body: strings.NewReader("new"),
	}); err != nil {
		t.Fatal(err)
	}
	link := func(key, version string, options ...func(*s3.PresignOptions)) string {
		signed, err := s3.NewPresignClient(s.Client).PresignGetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String(bucket), Key: &key, VersionId: &version,
		}, options...)
		if err != nil {
			t.Fatal(err)
		}
		return signed.URL
	}

	t.Run("host_is_the_only_signed_header", func(t *testing.T) { // aws-sdk-go-v2#3528
		u, err := url.Parse(link("pictures/a.jpg", *put.VersionId))
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Query().Get("X-Amz-SignedHeaders"); got != "host" {
			t.Errorf("signed headers %q, want host", got)
		}
	})
	t.Run("response_is_the_signed_version", func(t *testing.T) {
		resp := do(t, "GET", link("pictures/a.jpg", *put.VersionId), nil, "")
		if got := text(t, resp); resp.StatusCode != 200 || got != "old" {
			t.Errorf("GET: %s %q, want the old version", resp.Status, got)
		}
	})
	t.Run("clock_that_is_14_minutes_ahead_is_accepted", func(t *testing.T) {
		if resp := do(t, "GET", link("pictures/a.jpg", *put.VersionId, signedAfter(14*time.Minute)), nil, ""); resp.StatusCode != 200 {
			t.Errorf("GET: %s %s", resp.Status, text(t, resp))
		}
	})
	for _, tt := range []struct{ name, link, code string }{
		{"missing_key_is_NoSuchKey", link("pictures/none.jpg", ""), "NoSuchKey"},
		{"missing_version_is_NoSuchVersion", link("pictures/a.jpg", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), "NoSuchVersion"},
		{"expired_URL_is_refused", link("pictures/a.jpg", *put.VersionId, signedAfter(-time.Hour)), "AccessDenied"},
		{"URL_signed_more_than_15_minutes_in_the_future_is_refused", link("pictures/a.jpg", *put.VersionId, signedAfter(16*time.Minute)), "AccessDenied"},
		{"version_that_was_not_signed_is_refused", link("pictures/a.jpg", *put.VersionId) + "&versionId=null", "SignatureDoesNotMatch"},
		{"read_without_a_signature_is_refused", s.url + "/" + bucket + "/pictures/a.jpg", "AccessDenied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := do(t, "GET", tt.link, nil, "")
			want := map[bool]int{true: http.StatusNotFound, false: http.StatusForbidden}[strings.HasPrefix(tt.code, "NoSuch")]
			if code := errorCode(t, resp); code != tt.code || resp.StatusCode != want {
				t.Errorf("GET: %s %s, want %d %s", resp.Status, code, want, tt.code)
			}
		})
	}
}
