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

	"triptych/picture"
)

func TestPresign(t *testing.T) {
	c := open(t)
	t.Run("signs_no_header_but_host", func(t *testing.T) {
		// More than host would have to be sent by Google; aws-sdk-go-v2#3528 once signed more.
		if got := query(t, c, somePicture(t)).Get("X-Amz-SignedHeaders"); got != "host" {
			t.Errorf("X-Amz-SignedHeaders is %q", got)
		}
	})
	t.Run("lasts_15_minutes", func(t *testing.T) {
		before := time.Now()
		signed, err := c.presign(t, somePicture(t))
		if err != nil {
			t.Fatal(err)
		}
		after := time.Now()
		const ttl = 15 * time.Minute
		if signed.ExpiresAt.Before(before.Add(ttl)) || signed.ExpiresAt.After(after.Add(ttl)) {
			t.Errorf("signed at %s until %s", before, signed.ExpiresAt)
		}
		if got := query(t, c, somePicture(t)).Get("X-Amz-Expires"); got != "900" {
			t.Errorf("X-Amz-Expires is %q", got)
		}
	})
	t.Run("opens_the_very_version_after_it_was_overwritten", func(t *testing.T) {
		first := c.upload(t, somePicture(t), []byte("first"))
		signed, err := c.presign(t, first)
		if err != nil {
			t.Fatal(err)
		}
		c.upload(t, first, []byte("second"))
		if status, body := get(t, signed.URL); status != http.StatusOK || body != "first" {
			t.Errorf("it opens %d %q", status, body)
		}
	})
	t.Run("opens_the_object_when_no_version_is_known", func(t *testing.T) {
		p := c.upload(t, somePicture(t), []byte("only"))
		p.VersionID = ""
		signed, err := c.presign(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, signed.URL); status != http.StatusOK || body != "only" {
			t.Errorf("it opens %d %q", status, body)
		}
	})
	t.Run("opens_no_other_picture", func(t *testing.T) {
		mine, theirs := c.upload(t, somePicture(t), []byte("mine")), c.upload(t, somePicture(t), []byte("theirs"))
		signed, err := c.presign(t, mine)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := get(t, strings.Replace(signed.URL, mine.Key, theirs.Key, 1)); status != http.StatusForbidden {
			t.Errorf("another key with this signature: %d", status)
		}
	})
}

func TestPresignCredentials(t *testing.T) {
	c := open(t)
	t.Run("that_live_shorter_end_the_URL_with_them", func(t *testing.T) {
		expires := time.Now().Add(5 * time.Minute).Round(0) // as it is read from an answer, by the wall clock
		c.lend(expires)
		p := c.upload(t, somePicture(t), []byte("picture"))
		signed, err := c.presign(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if !signed.ExpiresAt.Equal(expires) {
			t.Errorf("the URL expires at %s, the credentials at %s", signed.ExpiresAt, expires)
		}
		seconds, err := strconv.Atoi(query(t, c, p).Get("X-Amz-Expires"))
		if err != nil || seconds < 1 || seconds > 300 {
			t.Errorf("X-Amz-Expires is %d, %v", seconds, err)
		}
		if status, body := get(t, signed.URL); status != http.StatusOK || body != "picture" {
			t.Errorf("it opens %d %q", status, body)
		}
	})
	t.Run("that_live_longer_change_nothing", func(t *testing.T) {
		c.lend(time.Now().Add(time.Hour))
		if got := query(t, c, somePicture(t)).Get("X-Amz-Expires"); got != "900" {
			t.Errorf("X-Amz-Expires is %q", got)
		}
	})
	for name, left := range map[string]time.Duration{
		"about_to_expire": 30 * time.Second,
		"expired":         -time.Minute,
	} {
		t.Run("that_are_"+name+"_are_waited_for", func(t *testing.T) {
			c.lend(time.Now().Add(left))
			_, err := c.presign(t, somePicture(t))
			fails(t, err, picture.Forbidden)
		})
	}
	t.Run("that_are_missing_are_waited_for", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		c.connectS3(t)
		_, err := c.presign(t, somePicture(t))
		failure := fails(t, err, picture.Forbidden)
		if !strings.Contains(failure.Message(), "AWS_ACCESS_KEY_ID") {
			t.Errorf("it does not say what to do: %s", failure.Message())
		}
	})
}

// lend has S3 used with credentials that expire, like those of a role.
func (c *clouds) lend(expires time.Time) {
	options := c.S3.Options()
	options.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey, CanExpire: true, Expires: expires}, nil
	})
	c.S3 = s3.New(options)
}

// query is what a signed URL of p says about itself.
func query(t *testing.T, c *clouds, p picture.Picture) url.Values {
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

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var content bytes.Buffer
	if _, err := io.Copy(&content, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, content.String()
}
