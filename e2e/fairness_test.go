package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"

	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/picture"
)

func TestFairness(t *testing.T) {
	const backlog = 100
	env := testenv.Start(t)
	blocked := blockVision(t, env)
	web := stacktest.RunLambda(t, runtimeapi.Config{Name: "web", Bootstrap: env.Executable("web"), Env: env.ProgramEnvironment("web")}).URL()

	photo := testenv.Portrait(t)
	site := viewerSite(t, web, "198.51.100.7")
	var first []picture.ID
	for range backlog {
		first = append(first, upload(t, site, photo))
	}
	for _, id := range first {
		env.AwaitAnnotate(t, id, func(*workflowpb.PendingActivityInfo) bool { return true })
	}
	blocked.await(t, slots)
	second := upload(t, viewerSite(t, web, "203.0.113.7"), photo)
	env.AwaitAnnotate(t, second, scheduled)
	blocked.release()

	t.Run("picture_of_a_second_visitor_overtakes_the_queued_pictures_of_the_first", func(t *testing.T) {
		if n := overtaken(t, env, second, first); n < (backlog-slots)/2 {
			t.Errorf("the picture overtook %d of %d pictures, %d of them queued", n, backlog, backlog-slots)
		}
	})
}

func upload(t *testing.T, site siteclient.Site, photo []byte) picture.ID {
	t.Helper()
	g, err := site.Upload(testenv.Context(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g.ID
}

func viewerSite(t *testing.T, web http.Handler, address string) siteclient.Site {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Triptych-Client", address)
		web.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	return siteclient.Site(site.URL)
}
