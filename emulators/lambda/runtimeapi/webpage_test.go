package runtimeapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestRuntimeAPI(t *testing.T) {
	h := run(t, t.TempDir(), newInstructor(t, ok))
	e, err := h.startEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	var address string
	for _, variable := range e.cmd.Env {
		if value, found := strings.CutPrefix(variable, "AWS_LAMBDA_RUNTIME_API="); found {
			address = value
		}
	}
	for name, change := range map[string]func(*http.Request){
		"image_of_another_site_gets_no_event":           func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"page_of_another_site_gets_no_event":            func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") },
		"page_that_rebound_its_host_name_gets_no_event": func(r *http.Request) { r.Host = "evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/2018-06-01/runtime/invocation/next", nil)
			if err != nil {
				t.Fatal(err)
			}
			change(req)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("status %s", res.Status)
			}
		})
	}
}
