package local

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestFaultSwitches(t *testing.T) {
	env := testenv.Start(t)
	photo := testenv.Portrait(t)

	t.Run("no_fault_is_set_at_the_start", func(t *testing.T) {
		want := `{"faults":{"aws":"none","azure":"none","google":"none","temporal":"none"},"temporalUI":"` + env.Endpoints.TemporalUI + `"}`
		if status, body := request(t, env, http.MethodGet, faultsPath, nil, ""); status != http.StatusOK || strings.TrimSpace(body) != want {
			t.Errorf("status %d, body %s, want %s", status, body, want)
		}
	})
	for _, c := range []struct {
		cloud, fault string
		step         int
		message      string
	}{
		{"aws", "down", 1, "S3 is unavailable"},
		{"aws", "throttle", 1, "S3 asked to slow down"},
		{"aws", "refuse", 1, "AWS refused access"},
		{"google", "down", 1, "Cloud Vision is unavailable"},
		{"google", "throttle", 1, "quota"},
		{"google", "refuse", 1, "Google refused access"},
		{"azure", "down", 2, "Cosmos DB is unavailable"},
		{"azure", "throttle", 2, "no request units left"},
		{"azure", "refuse", 2, "Azure refused access"},
	} {
		t.Run(c.cloud+"_"+c.fault+"_is_shown_and_retried_until_it_ends", func(t *testing.T) {
			testRetry(t, env, c.cloud, c.fault, c.step, c.message)
		})
	}
	for cloud, minimum := range map[string]time.Duration{"aws": 2 * time.Second, "google": 3 * time.Second, "azure": 2 * time.Second} {
		t.Run(cloud+"_slow_delays_annotate_without_a_retry", func(t *testing.T) {
			setFault(t, env, cloud, "slow")
			g := env.Upload(t, photo)
			final := env.Follow(t, g.Link)
			setFault(t, env, cloud, "none")
			annotate := final.Steps[1]
			if d := annotate.FinishedAt.Sub(annotate.StartedAt); final.Status != picture.Annotated || annotate.Attempt != 1 || d < minimum {
				t.Errorf("status %s, attempt %d took %s, want attempt 1 of at least %s", final.Status, annotate.Attempt, d, minimum)
			}
		})
	}
	for _, fault := range []string{"down", "throttle"} {
		t.Run("upload_during_aws_"+fault+"_returns_503_and_succeeds_afterwards", func(t *testing.T) {
			g := env.RequestGrant(t, photo)
			setFault(t, env, "aws", fault)
			if status := testenv.Put(t, g, photo); status != http.StatusServiceUnavailable {
				t.Errorf("the upload returned status %d, want 503", status)
			}
			setFault(t, env, "aws", "none")
			if status := testenv.Put(t, g, photo); status != http.StatusOK {
				t.Fatalf("the same PUT afterwards returned status %d, want 200", status)
			}
			if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
				t.Errorf("final status %s, want %s", final.Status, picture.Annotated)
			}
		})
	}
	t.Run("picture_uploaded_while_Temporal_is_down_is_annotated_afterwards", func(t *testing.T) { testTemporalDown(t, env) })
	t.Run("end_of_a_fault_retries_waiting_activities_immediately", func(t *testing.T) { testRetryNow(t, env) })
	t.Run("event_stream_reports_progress_while_the_picture_waits", func(t *testing.T) { testStream(t, env) })
	t.Run("web_has_no_fault_switches", func(t *testing.T) {
		if status, _ := request(t, env, http.MethodGet, "/local", nil, ""); status != http.StatusNotFound {
			t.Errorf("/local returned status %d, want 404", status)
		}
	})
	t.Run("request_from_a_page_of_another_origin_is_forbidden", func(t *testing.T) {
		header := http.Header{"Content-Type": {"application/json"}, "Origin": {"http://evil.example"}}
		if status, body := request(t, env, http.MethodPost, faultsPath, header, `{"cloud":"google","fault":"down"}`); status != http.StatusForbidden {
			t.Errorf("status %d, body %s, want 403", status, body)
		}
		if set := faultsInForce(t, env); len(set) != 0 {
			t.Errorf("the faults %v are set", set)
		}
	})
	t.Run("killed_web_is_restarted", func(t *testing.T) {
		killed := env.PID("web")
		if err := env.Signal("web", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		restarted := func(context.Context) bool {
			pid := env.PID("web")
			status, body := request(t, env, http.MethodGet, "/healthz", nil, "")
			if status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("/healthz returned status %d, body %s", status, body)
			}
			return status == http.StatusOK && pid != killed && pid != 0
		}
		if !stacktest.Eventually(t, restarted) {
			t.Error("web was not restarted")
		}
	})
}

func testRetry(t *testing.T, env *testenv.Env, cloud, fault string, step int, message string) {
	photo := testenv.Portrait(t)
	var g siteclient.Grant
	if cloud == "aws" { // the upload must succeed before S3 fails, so Google delays annotate until then
		setFault(t, env, "google", "down")
		g = env.Upload(t, photo)
		setFault(t, env, cloud, fault)
		setFault(t, env, "google", "none")
	} else {
		setFault(t, env, cloud, fault)
		g = env.Upload(t, photo)
	}
	shown := false
	final := env.Follow(t, g.Link, func(p picture.Progress) {
		if s := p.Steps[step]; !shown && s.Status == picture.StepRetrying && strings.Contains(s.Error, message) {
			shown = true
			setFault(t, env, cloud, "none")
		}
	})
	if final.Status != picture.Annotated || !shown {
		t.Errorf("final status %s, message shown: %v", final.Status, shown)
	}
}

func testTemporalDown(t *testing.T, env *testenv.Env) {
	photo := testenv.Portrait(t)
	setFault(t, env, "temporal", "down")
	if err := env.Signal("temporal", syscall.SIGKILL); err == nil {
		t.Error("Temporal is still running")
	}
	if set := faultsInForce(t, env); !maps.Equal(set, map[string]string{"temporal": "down"}) {
		t.Errorf("the faults %v are set, want temporal down", set)
	}
	g := env.Upload(t, photo)
	setFault(t, env, "temporal", "none")
	if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
		t.Errorf("final status %s, want %s", final.Status, picture.Annotated)
	}
}

func testRetryNow(t *testing.T, env *testenv.Env) {
	const attempts = 7 // scheduled 6.4 s after the failure: local resets activities that wait longer than one second
	setFault(t, env, "azure", "down")
	g := env.Upload(t, testenv.Portrait(t))
	ended := false
	final := env.Follow(t, g.Link, func(p picture.Progress) {
		if !ended && p.Steps[2].Attempt >= attempts {
			ended = true
			setFault(t, env, "azure", "none")
		}
	})
	if n := final.Steps[2].Attempt; final.Status != picture.Annotated || n >= attempts {
		t.Errorf("final status %s in attempt %d of persist: the activity was not reset", final.Status, n)
	}
}

func testStream(t *testing.T, env *testenv.Env) {
	setFault(t, env, "google", "down")
	g := env.Upload(t, testenv.Portrait(t))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env.Endpoints.Site+"/api/pictures/"+g.Link+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	setFault(t, env, "google", "none")
	rest, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Contains(rest, []byte(`"status":"annotated"`)) {
		t.Errorf("the stream ended with error %v after %s", err, rest)
	}
}

const faultsPath = "/local/faults"

// The fault "none" ends the previous fault.
func setFault(t *testing.T, env *testenv.Env, cloud, fault string) {
	t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Origin": {env.Endpoints.Site}}
	status, body := request(t, env, http.MethodPost, faultsPath, header, `{"cloud":"`+cloud+`","fault":"`+fault+`"}`)
	var response struct{ Faults map[string]string }
	if err := json.Unmarshal([]byte(body), &response); err != nil || status != http.StatusOK || response.Faults[cloud] != fault {
		t.Fatalf("setting the fault %s of %s returned status %d, body %s", fault, cloud, status, body)
	}
}

func faultsInForce(t *testing.T, env *testenv.Env) map[string]string {
	t.Helper()
	status, body := request(t, env, http.MethodGet, faultsPath, nil, "")
	var response struct{ Faults map[string]string }
	if err := json.Unmarshal([]byte(body), &response); err != nil || status != http.StatusOK {
		t.Fatalf("reading the faults returned status %d, body %s", status, body)
	}
	maps.DeleteFunc(response.Faults, func(_, fault string) bool { return fault == "none" })
	return response.Faults
}

func request(t *testing.T, env *testenv.Env, method, path string, header http.Header, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, env.Endpoints.Site+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
