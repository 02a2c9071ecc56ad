package fault

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc/codes"

	"triptych/activities"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// A presigned URL expires no later than the AWS credentials that signed it, so these tests use short-lived
// credentials.
var expiredURLs = []faultCase{
	{name: "URL_that_expires_between_two_annotate_attempts_is_presigned_again", slow: true, run: func(t *testing.T, s *suite) {
		s.useShortLivedCredentials(t, 65*time.Second) // the worker presigns no URL that is valid for less than a minute
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{Code: codes.Unavailable})
		p.upload(t)
		pending := p.awaitRetry(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "unavailable"})
		url := p.presignedURL(t)
		if status := getStatus(t, url); status != http.StatusOK {
			t.Fatalf("GET of the presigned URL returned status %d", status)
		}
		if !stacktest.Eventually(t, func(context.Context) bool { return getStatus(t, url) == http.StatusForbidden }) {
			t.Fatal("the presigned URL did not expire")
		}
		p.setVisionFault(annotator.Fault{}) // the emulator fetches the picture, so it needs a valid URL
		p.ResetActivity(t, p.ID, pending)
		p.awaitOutcome(t, annotated)
	}},
}

func (s *suite) useShortLivedCredentials(t *testing.T, validity time.Duration) {
	t.Helper()
	// The SDK regards credentials as expired five minutes early, so the response adds five minutes. Format:
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, s.Endpoints.AccessKey, s.Endpoints.SecretKey,
			time.Now().UTC().Add(5*time.Minute+validity).Format(time.RFC3339Nano))
	}))
	t.Cleanup(endpoint.Close)
	t.Cleanup(s.StopProgram("worker"))
	const name = "worker with short-lived credentials"
	s.StartProgram(name, "worker", []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + endpoint.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="})
	t.Cleanup(func() { s.StopProgram(name) })
}

func (p *testPicture) presignedURL(t *testing.T) string {
	t.Helper()
	var in activities.AnnotateInput
	if err := converter.GetDefaultDataConverter().FromPayloads(p.activityRuns(t, picture.AnnotateStep)[0].input, &in); err != nil {
		t.Fatal(err)
	}
	return in.SignedURL.URL
}

func getStatus(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(testenv.Context(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
