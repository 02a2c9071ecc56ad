package activities

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"triptych/e2e/s3test"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// Google's error message may contain the signed URL, and the page shows the message.
func TestFailureContainsNoSignature(t *testing.T) {
	c := openClouds(t)
	c.useCredentials(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey, SessionToken: "session/token+of=role"}, nil
	})
	p := newPicture(t)
	p.VersionID = "version" // S3 is not asked
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{u.Query().Get("X-Amz-Signature"), s3test.AccessKey, "session", "of%3drole", "of=role"}
	for source, fault := range map[string]func(message string) annotator.Fault{
		"call":  func(m string) annotator.Fault { return annotator.Fault{Code: codes.Internal, Message: m} },
		"image": func(m string) annotator.Fault { return annotator.Fault{ImageCode: codes.Internal, Message: m} },
	} {
		for name, message := range map[string]string{
			"unchanged":      "could not fetch " + signed.URL + " in time",
			"in_quotes":      `could not fetch "` + signed.URL + `".`,
			"in_lower_case":  "could not fetch " + strings.ToLower(signed.URL),
			"in_another_URL": "could not fetch http://proxy/?from=" + url.QueryEscape(signed.URL) + "&retry=1",
			"on_two_lines":   signed.URL + "\n" + signed.URL,
			"in_HTML":        `<a href="` + strings.ReplaceAll(signed.URL, "&", "&amp;") + `">it</a>`,
		} {
			t.Run("URL_"+name+"_is_redacted_in_an_error_of_the_"+source, func(t *testing.T) {
				c.google.SetFault(fault(message))
				_, err := execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByURL, SignedURL: signed})
				checkFailure(t, err, picture.Unavailable)
				encoded := strings.ToLower(temporal.GetDefaultFailureConverter().ErrorToFailure(err).String())
				for _, secret := range secrets {
					if secret == "" || strings.Contains(encoded, strings.ToLower(secret)) {
						t.Errorf("the failure contains %q: %s", secret, encoded)
					}
				}
				if !strings.Contains(encoded, "x-amz-algorithm") {
					t.Errorf("the rest of Google's message is missing: %s", encoded)
				}
			})
		}
	}
}
