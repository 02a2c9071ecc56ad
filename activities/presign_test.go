package activities

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/e2e/s3test"
	"triptych/picture"
)

func TestPresign(t *testing.T) {
	c := openClouds(t)
	t.Run("only_the_host_header_is_signed", func(t *testing.T) {
		// S3 refuses Google's request if the signature covers a header that Google does not send. One version of the
		// AWS SDK signed such a header (aws-sdk-go-v2#3528).
		if got := urlQuery(t, c, newPicture(t)).Get("X-Amz-SignedHeaders"); got != "host" {
			t.Errorf("X-Amz-SignedHeaders is %q", got)
		}
	})
	t.Run("URL_is_valid_for_15_minutes", func(t *testing.T) {
		before := time.Now()
		signed, err := c.presign(t, newPicture(t))
		if err != nil {
			t.Fatal(err)
		}
		after := time.Now()
		const ttl = 15 * time.Minute
		if signed.ExpiresAt.Before(before.Add(ttl)) || signed.ExpiresAt.After(after.Add(ttl)) {
			t.Errorf("signed at %s, expires at %s", before, signed.ExpiresAt)
		}
		if got := urlQuery(t, c, newPicture(t)).Get("X-Amz-Expires"); got != "900" {
			t.Errorf("X-Amz-Expires is %q", got)
		}
	})
	t.Run("URL_gives_access_to_the_original_version_of_an_overwritten_object", func(t *testing.T) {
		first := c.upload(t, newPicture(t), []byte("first"))
		signed, err := c.presign(t, first)
		if err != nil {
			t.Fatal(err)
		}
		c.upload(t, first, []byte("second"))
		if status, body := httpGet(t, signed.URL); status != http.StatusOK || body != "first" {
			t.Errorf("got %d %q", status, body)
		}
	})
	t.Run("URL_gives_access_to_an_object_of_unknown_version", func(t *testing.T) {
		p := c.upload(t, newPicture(t), []byte("only"))
		p.VersionID = ""
		signed, err := c.presign(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := httpGet(t, signed.URL); status != http.StatusOK || body != "only" {
			t.Errorf("got %d %q", status, body)
		}
	})
	t.Run("URL_gives_no_access_to_another_picture", func(t *testing.T) {
		first, other := c.upload(t, newPicture(t), []byte("first")), c.upload(t, newPicture(t), []byte("other"))
		signed, err := c.presign(t, first)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := httpGet(t, strings.Replace(signed.URL, first.Key, other.Key, 1)); status != http.StatusForbidden {
			t.Errorf("status %d for another key with the same signature", status)
		}
	})
}

func TestPresignCredentials(t *testing.T) {
	c := openClouds(t)
	t.Run("URL_expires_with_short_lived_credentials", func(t *testing.T) {
		expires := time.Now().Add(5 * time.Minute).Round(0) // without the monotonic clock, like a time from a response
		c.useExpiring(expires)
		p := c.upload(t, newPicture(t), []byte("picture"))
		signed, err := c.presign(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if !signed.ExpiresAt.Equal(expires) {
			t.Errorf("the URL expires at %s, the credentials at %s", signed.ExpiresAt, expires)
		}
		seconds, err := strconv.Atoi(urlQuery(t, c, p).Get("X-Amz-Expires"))
		if err != nil || seconds < 1 || seconds > 300 {
			t.Errorf("X-Amz-Expires is %d, %v", seconds, err)
		}
		if status, body := httpGet(t, signed.URL); status != http.StatusOK || body != "picture" {
			t.Errorf("got %d %q", status, body)
		}
	})
	t.Run("long_lived_credentials_do_not_change_the_lifetime_of_the_URL", func(t *testing.T) {
		c.useExpiring(time.Now().Add(time.Hour))
		if got := urlQuery(t, c, newPicture(t)).Get("X-Amz-Expires"); got != "900" {
			t.Errorf("X-Amz-Expires is %q", got)
		}
	})
	for name, left := range map[string]time.Duration{
		"are_about_to_expire": 30 * time.Second,
		"have_expired":        -time.Minute,
	} {
		t.Run("credentials_that_"+name+"_wait_for_the_operator", func(t *testing.T) {
			c.useExpiring(time.Now().Add(left))
			_, err := c.presign(t, newPicture(t))
			checkFailure(t, err, picture.Forbidden)
		})
	}
	t.Run("unavailable_credentials_are_retried", func(t *testing.T) {
		c.useCredentials(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, context.DeadlineExceeded })
		_, err := c.presign(t, newPicture(t))
		checkFailure(t, err, picture.Unavailable)
	})
	t.Run("missing_credentials_wait_for_the_operator", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		c.connectS3(t)
		_, err := c.presign(t, newPicture(t))
		failure := checkFailure(t, err, picture.Forbidden)
		if !strings.Contains(failure.Message(), "AWS_ACCESS_KEY_ID") {
			t.Errorf("the message does not name the variable to set: %s", failure.Message())
		}
	})
}

func TestPresignOfAnInvalidBucketNamesTheSettings(t *testing.T) {
	c := openClouds(t)
	p := newPicture(t)
	p.Bucket = "arn:aws:s3:::pictures"
	_, err := c.presign(t, p)
	failure := checkFailure(t, err, picture.Misconfigured)
	if !strings.Contains(failure.Message(), "check AWS_REGION and TRIPTYCH_BUCKET") {
		t.Errorf("the message does not name the settings: %s", failure.Message())
	}
}

func (c *clouds) useExpiring(expires time.Time) {
	c.useCredentials(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, CanExpire: true, Expires: expires}, nil
	})
}

func (c *clouds) useCredentials(provider aws.CredentialsProviderFunc) {
	options := c.S3.Options()
	options.Credentials = provider
	c.S3 = s3.New(options)
}

func urlQuery(t *testing.T, c *clouds, p picture.Picture) url.Values {
	t.Helper()
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func httpGet(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var content bytes.Buffer
	if _, err := io.Copy(&content, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, content.String()
}
