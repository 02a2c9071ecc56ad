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
	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

// expiries are of AWS credentials: they are what a URL is signed with, and no URL outlives them.
var expiries = []fault{
	{name: "a_URL_that_expired_between_two_attempts_is_signed_again", slow: true, run: func(t *testing.T, p *wholeStack) {
		p.brief(t, 65*time.Second) // the worker signs none that opens for less than a minute
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{Code: codes.Unavailable})
		s.upload(t)
		pending := s.waits(t, waiting{picture.AnnotateStep, picture.Unavailable, "unavailable"})
		url := s.signed(t)
		if status := get(t, url); status != http.StatusOK {
			t.Fatalf("S3 answers the URL %d", status)
		}
		if !stacktest.Eventually(t, func(context.Context) bool { return get(t, url) == http.StatusForbidden }) {
			t.Fatal("the URL never expired")
		}
		s.google(annotator.Fault{}) // it fetches the picture, by a URL that opens it
		s.hurry(t, pending)
		s.ends(t, annotated)
	}},
}

// brief has pictures carried by a worker whose credentials last so long, and which gets new ones as a container of AWS does.
func (p *wholeStack) brief(t *testing.T, lasts time.Duration) {
	t.Helper()
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html; the SDK for Go counts them as
	// expired five minutes before they are.
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, p.Endpoints.AccessKey, p.Endpoints.SecretKey,
			time.Now().UTC().Add(5*time.Minute+lasts).Format(time.RFC3339Nano))
	}))
	t.Cleanup(container.Close)
	t.Cleanup(p.StopProgram("worker"))
	p.StartProgram("brief", "worker", []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + container.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="})
	t.Cleanup(func() { p.StopProgram("brief") })
}

// signed is the URL that annotate was scheduled with.
func (s *shot) signed(t *testing.T) string {
	t.Helper()
	var in activities.AnnotateInput
	if err := converter.GetDefaultDataConverter().FromPayloads(s.scheduled(t, picture.AnnotateStep)[0].input, &in); err != nil {
		t.Fatal(err)
	}
	return in.URL
}

func get(t *testing.T, url string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(patient(t), http.MethodGet, url, nil)
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
