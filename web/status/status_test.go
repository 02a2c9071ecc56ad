package status

import (
	"fmt"
	"strings"
	"testing"

	historypb "go.temporal.io/api/history/v1"

	"triptych/picture"
	"triptych/web/status/statustest"
)

// The runs in statustest/testdata/runs were recorded from a real server by record_test.go; each expectation is
// what a person should be told at that moment.
var follows = map[string]struct {
	status picture.Status
	steps  [3]string
}{
	"no_worker_yet":                        {picture.Running, [3]string{"waiting", "waiting", "waiting"}},
	"presign_is_under_way":                 {picture.Running, [3]string{"running started", "waiting", "waiting"}},
	"annotate_waits_for_a_worker":          {picture.Running, [3]string{"done 1 started finished", "waiting", "waiting"}},
	"annotate_is_under_way":                {picture.Running, [3]string{"done 1 started finished", "running 1 started", "waiting"}},
	"annotate_waits_to_be_tried_again":     {picture.Running, [3]string{"done 1 started finished", "retrying 2 next: Google is down", "waiting"}},
	"annotate_is_tried_again":              {picture.Running, [3]string{"done 1 started finished", "retrying 2 started: Google is down", "waiting"}},
	"annotate_lost_its_worker":             {picture.Running, [3]string{"done 1 started finished", "retrying 2 next: the worker stopped answering (Heartbeat timeout)", "waiting"}},
	"an_unfetchable_URL_sends_bytes":       {picture.Running, [3]string{"done 1 started finished", "running 1 started", "waiting"}},
	"a_bad_image_is_being_rejected":        {picture.Running, [3]string{"done 1 started finished", "failed 1 started finished: this is no image", "running 1 started"}},
	"persist_is_throttled":                 {picture.Running, [3]string{"done 1 started finished", "done 2 started finished", "retrying 2 next: Cosmos DB asks for patience"}},
	"persist_is_tried_within_the_workflow": {picture.Running, [3]string{"done 1 started finished", "done 1 started finished", "running started"}},
	"a_run_completed_within_the_workflow":  {picture.Annotated, [3]string{"done 1 started finished", "done 1 started finished", "done 1 started finished"}},
	"a_run_completed":                      {picture.Annotated, [3]string{"done 1 started finished", "done 1 started finished", "done 1 started finished"}},
	"a_terminated_run_waits":               {picture.Waiting, [3]string{"done 1 started finished", "failed finished: the run was terminated: by hand", "waiting"}},
	"a_failed_run_waits":                   {picture.Waiting, [3]string{"failed 1 started finished: the run failed: no credentials", "waiting", "waiting"}},
	"the_workflow_code_panics":             {picture.Running, [3]string{"retrying 2: the worker cannot go on: a bug", "waiting", "waiting"}},
	"a_run_is_cancelled_in_an_activity":    {picture.Waiting, [3]string{"done 1 started finished", "failed finished: the run was cancelled", "waiting"}},
}

func TestProgress(t *testing.T) {
	if *recordFrom != "" {
		recordRuns(t)
	}
	for name, want := range follows {
		t.Run(name, func(t *testing.T) {
			description, history := statustest.Load(t, name)
			status, steps := Execution{description, history.GetEvents()}.follow()
			if status != want.status {
				t.Errorf("status is %s, want %s", status, want.status)
			}
			for i, step := range steps {
				if step.Name != picture.StepOrder[i] || step.Cloud != step.Name.Cloud() {
					t.Errorf("step %d is %s in %s", i, step.Name, step.Cloud)
				}
				if got := inWords(step); got != want.steps[i] {
					t.Errorf("%s: %q, want %q", step.Name, got, want.steps[i])
				}
			}
		})
	}
}

func TestProgress_a_history_newer_than_the_description_wins(t *testing.T) {
	description, _ := statustest.Load(t, "annotate_waits_to_be_tried_again")
	_, history := statustest.Load(t, "a_run_completed")
	status, steps := Execution{description, history.GetEvents()}.follow()
	if status != picture.Annotated || steps[1].Status != picture.StepDone {
		t.Errorf("a completed run is told as %s, annotate %s", status, steps[1].Status)
	}
}

// A torn history must never panic, whatever it lacks.
func TestProgress_any_part_of_a_history_is_told(t *testing.T) {
	for name := range follows {
		description, history := statustest.Load(t, name)
		for i := range history.GetEvents() {
			for _, part := range [][]*historypb.HistoryEvent{history.Events[:i], history.Events[i:]} {
				if _, steps := (Execution{description, part}).follow(); len(steps) != len(picture.StepOrder) {
					t.Fatalf("%s, cut at %d: %d steps", name, i, len(steps))
				}
			}
		}
	}
}

func inWords(s picture.Step) string {
	words := []string{string(s.Status)}
	if s.Attempt > 0 {
		words = append(words, fmt.Sprint(s.Attempt))
	}
	if !s.StartedAt.IsZero() {
		words = append(words, "started")
	}
	if !s.FinishedAt.IsZero() {
		words = append(words, "finished")
	}
	if !s.NextAttemptAt.IsZero() {
		words = append(words, "next")
	}
	if s.Error != "" {
		words[len(words)-1] += ": " + s.Error
	}
	return strings.Join(words, " ")
}
