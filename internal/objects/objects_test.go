package objects

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/e2e/s3test"
	"triptych/picture"
)

func TestSignGetReplacesHeadersOfTheUpload(t *testing.T) {
	gateway.Setenv(t)
	c := openClient(t)
	key := newKey(t)
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(s3test.Bucket), Key: key, Body: strings.NewReader("picture"),
		ContentType: aws.String("text/html"), ContentDisposition: aws.String(`attachment; filename="invoice.exe"`),
		CacheControl: aws.String("public, max-age=31536000"), ContentEncoding: aws.String("gzip"),
		ContentLanguage: aws.String("xx"), Expires: aws.Time(time.Now().Add(time.Hour)),
	}); err != nil {
		t.Fatal(err)
	}
	url, _, err := SignGet(t.Context(), c, picture.Picture{Bucket: s3test.Bucket, Key: *key}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for header, want := range map[string]string{
		"Content-Type": "image/jpeg", "Content-Disposition": "inline", "Cache-Control": "no-store", "Content-Encoding": "identity",
		"Content-Language": "und", "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
	} {
		if got := res.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
