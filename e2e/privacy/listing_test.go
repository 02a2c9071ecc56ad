package privacy

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/api/workflowservice/v1"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestListingOpensNoPicture(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	g := env.Upload(t, testenv.Portrait(t))
	env.Follow(t, g.Link)
	old := env.PutObject(t, "old/me.jpg", testenv.Portrait(t))
	env.RunSweep(t, "backfill", picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: "old/"})
	env.AwaitWorkflowEnd(t, old.ID, "")

	listed := map[string]bool{}
	sources := listings(t, env, g.ID, old.ID)
	sources["a dead letter"] = string(testenv.S3Event(t, env.LatestVersion(t, g.ID))) // Lambda adds only IDs of its own
	for name, text := range sources {
		found := regexp.MustCompile(`[0-9A-Za-z]+(-[0-9A-Za-z]+)+`).FindAllString(text, -1)
		if len(found) == 0 {
			t.Errorf("%s contains no ID", name)
		}
		for _, id := range found {
			listed[id] = true
		}
	}
	if !listed[string(g.ID)] || !listed[string(old.ID)] {
		t.Errorf("the listings do not contain the pictures %s and %s", g.ID, old.ID)
	}
	for id := range listed {
		for _, path := range []string{"", "/image", "/events"} {
			res, err := http.DefaultTransport.RoundTrip(newRequest(t, env.Endpoints.Site+"/api/pictures/"+id+path))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s%s returned status %d, want 404", id, path, res.StatusCode)
			}
		}
	}
}

func newRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(testenv.Context(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func listings(t *testing.T, env *testenv.Env, ids ...picture.ID) map[string]string {
	t.Helper()
	var workflows string
	listed := func(ctx context.Context) bool { // the list lags behind the workflows
		list, err := env.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{})
		workflows = list.String()
		return err == nil && !slices.ContainsFunc(ids, func(id picture.ID) bool { return !strings.Contains(workflows, string(id)) })
	}
	if !stacktest.Eventually(t, listed) {
		t.Fatalf("the list of workflows does not contain the pictures %s: %s", ids, workflows)
	}
	objects, err := env.Bucket.ListObjectVersions(testenv.Context(t), &s3.ListObjectVersionsInput{Bucket: &env.Endpoints.Bucket})
	if err != nil {
		t.Fatal(err)
	}
	var keys string
	for _, version := range objects.Versions {
		keys += *version.Key + "\n"
	}
	found := map[string]string{"the workflow list": workflows, "the bucket listing": keys}
	for name, content := range testenv.ReadFiles(t, env.Dir()) {
		if dir, _, _ := strings.Cut(name, "/"); dir == "logs" || dir == "lambda" || dir == "cosmos.db" {
			found[dir] += string(content)
		}
	}
	return found
}
