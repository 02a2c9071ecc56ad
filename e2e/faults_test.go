package main

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
	"triptych/local/stack"
	"triptych/local/stacktest"
	"triptych/picture"
)

func TestFaults(t *testing.T) {
	s := stacktest.Start(t)
	visitor := site(s.Endpoints.Site)
	photo := portrait(t)

	t.Run("all_is_well_at_the_start", func(t *testing.T) {
		well := `{"faults":{"aws":"none","azure":"none","google":"none","temporal":"none"},"temporalUI":"` + s.Endpoints.TemporalUI + `"}`
		if status, said := visitor.call(t, http.MethodGet, "/local/faults", nil, ""); status != http.StatusOK || strings.TrimSpace(said) != well {
			t.Errorf("answered %d %s", status, said)
		}
	})
	for _, c := range []struct {
		cloud, fault string
		step         int
		says         string
	}{
		{"aws", "down", 1, "S3 is unavailable"},
		{"aws", "throttle", 1, "S3 asks to slow down"},
		{"google", "down", 1, "Cloud Vision is unavailable"},
		{"google", "throttle", 1, "quota"},
		{"azure", "down", 2, "Cosmos DB is unavailable"},
		{"azure", "throttle", 2, "out of request units"},
	} {
		t.Run(c.cloud+"_"+c.fault+"_is_said_and_waited_for", func(t *testing.T) {
			testWaiting(t, visitor, c.cloud, c.fault, c.step, c.says)
		})
	}
	for cloud, least := range map[string]time.Duration{"aws": 2 * time.Second, "google": 3 * time.Second, "azure": 2 * time.Second} {
		t.Run(cloud+"_slow_takes_its_time", func(t *testing.T) {
			visitor.pull(t, cloud, "slow")
			g := visitor.take(t, photo)
			settled := visitor.follow(t, g.ID)
			visitor.pull(t, cloud, "none")
			// Google is shown the picture after a look for a tombstone at Azure, and fetches it from AWS.
			looked := settled.Steps[1]
			if took := looked.FinishedAt.Sub(looked.StartedAt); settled.Status != picture.Annotated || looked.Attempt != 1 || took < least {
				t.Errorf("ended %s, attempt %d took %s, want one of at least %s", settled.Status, looked.Attempt, took, least)
			}
		})
	}
	for _, fault := range []string{"down", "throttle"} {
		t.Run("an_upload_under_AWS_"+fault+"_is_503_and_taken_later", func(t *testing.T) {
			g := visitor.ask(t, photo)
			visitor.pull(t, "aws", fault)
			if status := upload(t, g, photo); status != http.StatusServiceUnavailable {
				t.Errorf("the upload was answered %d", status)
			}
			visitor.pull(t, "aws", "none")
			if status := upload(t, g, photo); status != http.StatusOK {
				t.Fatalf("the same PUT later was answered %d", status)
			}
			if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
				t.Errorf("ended %s", settled.Status)
			}
		})
	}
	t.Run("an_upload_while_Temporal_is_down_arrives_when_it_is_back", func(t *testing.T) { testTemporalDown(t, s, visitor) })
	t.Run("a_picture_that_waited_long_is_tried_at_once", func(t *testing.T) { testHurried(t, visitor) })
	t.Run("progress_is_told_as_it_happens", func(t *testing.T) { testStream(t, visitor) })
	t.Run("the_web_program_knows_of_no_switch", func(t *testing.T) {
		if status, _ := visitor.call(t, http.MethodGet, "/local", nil, ""); status != http.StatusNotFound {
			t.Errorf("/local was answered %d", status)
		}
	})
	t.Run("another_page's_switch_is_refused", func(t *testing.T) {
		header := http.Header{"Content-Type": {"application/json"}, "Origin": {"http://evil.example"}}
		if status, said := visitor.call(t, http.MethodPost, "/local/faults", header, `{"cloud":"google","fault":"down"}`); status != http.StatusForbidden {
			t.Errorf("answered %d %s", status, said)
		}
		if got := wrong(visitor.faults(t)); len(got) != 0 {
			t.Errorf("the switches are %v", got)
		}
	})
	t.Run("a_killed_web_is_waited_for", func(t *testing.T) {
		killed := s.PID("web")
		if err := s.Signal("web", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		back := func(context.Context) bool {
			pid := s.PID("web")
			status, said := visitor.call(t, http.MethodGet, "/healthz", nil, "")
			if status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("answered %d %s", status, said)
			}
			return status == http.StatusOK && pid != killed && pid != 0
		}
		if !stacktest.Eventually(t, back) {
			t.Error("it does not come back")
		}
	})
}

// testWaiting pulls a cloud's plug and puts it back once the picture has told of it.
func testWaiting(t *testing.T, on site, cloud, fault string, step int, says string) {
	photo := portrait(t)
	var g siteclient.Grant
	if cloud == "aws" { // the upload comes before
		on.pull(t, "google", "down")
		g = on.take(t, photo)
		on.pull(t, cloud, fault)
		on.pull(t, "google", "none")
	} else {
		on.pull(t, cloud, fault)
		g = on.take(t, photo)
	}
	told := false
	settled := on.follow(t, g.ID, func(p picture.Progress) {
		if s := p.Steps[step]; !told && s.Status == picture.StepRetrying && strings.Contains(s.Error, says) {
			told = true
			on.pull(t, cloud, "none")
		}
	})
	if settled.Status != picture.Annotated || !told {
		t.Errorf("ended %s, told: %v", settled.Status, told)
	}
}

func testTemporalDown(t *testing.T, s *stack.Stack, visitor site) {
	photo := portrait(t)
	visitor.pull(t, "temporal", "down")
	if err := s.Signal("temporal", syscall.SIGKILL); err == nil {
		t.Error("Temporal still runs")
	}
	if got := wrong(visitor.faults(t)); !maps.Equal(got, map[string]string{"temporal": "down"}) {
		t.Errorf("the switches are %v", got)
	}
	g := visitor.take(t, photo)
	visitor.pull(t, "temporal", "none")
	if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
		t.Errorf("ended %s", settled.Status)
	}
}

// testHurried lets the waits grow past what is left alone. Temporal counts the attempts of what was hurried anew.
func testHurried(t *testing.T, visitor site) {
	const many = 7 // due after 6.4 s: time enough to be seen, and more than the second that is not hurried
	visitor.pull(t, "azure", "down")
	g := visitor.take(t, portrait(t))
	waited := false
	settled := visitor.follow(t, g.ID, func(p picture.Progress) {
		if !waited && p.Steps[2].Attempt >= many {
			waited = true
			visitor.pull(t, "azure", "none")
		}
	})
	if n := settled.Steps[2].Attempt; settled.Status != picture.Annotated || n >= many {
		t.Errorf("ended %s in attempt %d, which was not hurried", settled.Status, n)
	}
}

// testStream reads one connection: what it tells while the picture waits must come while it waits.
func testStream(t *testing.T, visitor site) {
	visitor.pull(t, "google", "down")
	g := visitor.take(t, portrait(t))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(visitor)+"/api/pictures/"+string(g.ID)+"/events", nil)
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
	visitor.pull(t, "google", "none")
	rest, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Contains(rest, []byte(`"status":"annotated"`)) {
		t.Errorf("the stream ended with %v and %s", err, rest)
	}
}

// pull sets one switch, as the page does.
func (s site) pull(t *testing.T, cloud, fault string) {
	t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Origin": {string(s)}}
	status, said := s.call(t, http.MethodPost, "/local/faults", header, `{"cloud":"`+cloud+`","fault":"`+fault+`"}`)
	var now struct{ Faults map[string]string }
	if err := json.Unmarshal([]byte(said), &now); err != nil || status != http.StatusOK || now.Faults[cloud] != fault {
		t.Fatalf("%s %s was answered %d %s", cloud, fault, status, said)
	}
}

func (s site) faults(t *testing.T) map[string]string {
	t.Helper()
	status, said := s.call(t, http.MethodGet, "/local/faults", nil, "")
	var now struct{ Faults map[string]string }
	if err := json.Unmarshal([]byte(said), &now); err != nil || status != http.StatusOK {
		t.Fatalf("the switches were answered %d %s", status, said)
	}
	return now.Faults
}

// wrong is what of the switches is not as it should be.
func wrong(faults map[string]string) map[string]string {
	faults = maps.Clone(faults)
	maps.DeleteFunc(faults, func(_, fault string) bool { return fault == "none" })
	return faults
}

func (s site) call(t *testing.T, method, path string, header http.Header, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, string(s)+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(said)
}
