package activities

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// A cloud may repeat the URL it was given, and everyone who watches the picture sees the failure.
func TestFailureHoldsNoSignature(t *testing.T) {
	c := open(t)
	options := c.S3.Options()
	options.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey, SessionToken: "session/token+of=role"}, nil
	})
	c.S3 = s3.New(options)
	p := somePicture(t)
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	for place, fault := range map[string]func(message string) annotator.Fault{
		"of_the_call":  func(m string) annotator.Fault { return annotator.Fault{Code: codes.Internal, Message: m} },
		"of_the_image": func(m string) annotator.Fault { return annotator.Fault{ImageCode: codes.Internal, Message: m} },
	} {
		for name, message := range map[string]string{
			"as_it_is":           "could not fetch " + signed.URL + " in time",
			"in_quotes":          `could not fetch "` + signed.URL + `".`,
			"in_lower_case":      "could not fetch " + strings.ToLower(signed.URL),
			"inside_another_URL": "could not fetch http://proxy/?from=" + url.QueryEscape(signed.URL) + "&retry=1",
			"in_two_lines":       signed.URL + "\n" + signed.URL,
			"as_HTML":            `<a href="` + strings.ReplaceAll(signed.URL, "&", "&amp;") + `">it</a>`,
		} {
			t.Run("when_an_error_"+place+"_repeats_the_URL_"+name, func(t *testing.T) {
				c.google.SetFault(fault(message))
				_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByURL, SignedURL: signed})
				fails(t, err, picture.Unavailable)
				sent := strings.ToLower(temporal.GetDefaultFailureConverter().ErrorToFailure(err).String())
				for _, secret := range []string{u.Query().Get("X-Amz-Signature"), accessKey, "session", "of%3drole", "of=role"} {
					if secret == "" || strings.Contains(sent, strings.ToLower(secret)) {
						t.Errorf("the failure shows %q: %s", secret, sent)
					}
				}
				if !strings.Contains(sent, "x-amz-algorithm") {
					t.Errorf("what Google said is gone: %s", sent)
				}
			})
		}
	}
}
