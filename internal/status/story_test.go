package status

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"triptych/e2e/statustest"
	"triptych/picture"
)

var update = flag.Bool("update", false, "write the stories in testdata/stories")

// The golden histories of closed workflows, and the recordings of workflows that run or wait.
func TestStory(t *testing.T) {
	golden, err := filepath.Glob("../../workflows/testdata/*/*.json")
	if err != nil || len(golden) == 0 {
		t.Fatalf("there are no golden histories: %v", err)
	}
	stories := map[string]Execution{}
	for _, path := range golden {
		history := statustest.LoadHistory(t, path)
		name := filepath.Base(filepath.Dir(path)) + "_" + strings.TrimSuffix(filepath.Base(path), ".json")
		stories[name] = Execution{&workflowservice.DescribeWorkflowExecutionResponse{}, history.GetEvents()}
	}
	for name := range recordings {
		description, history := statustest.Load(t, name)
		stories["run_"+name] = Execution{description, history.GetEvents()}
	}
	for name, e := range stories {
		t.Run(name, func(t *testing.T) {
			last := e.history[len(e.history)-1].GetEventTime().AsTime()
			got := e.Story(last.Add(10 * time.Second))
			path := filepath.Join("testdata", "stories", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v: write it with go test ./internal/status -run Story -update, and read it", err)
			}
			if got != string(want) {
				t.Errorf("the story is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestStoryOfOddExecutions(t *testing.T) {
	for name, c := range map[string]struct {
		recording string
		change    func(Execution)
		want      string
	}{
		"attempt_without_a_time_waits_for_a_worker": {"annotate_waiting_for_retry", func(e Execution) {
			e.description.PendingActivities[0].NextAttemptScheduleTime = nil
		}, "which no worker has taken"},
		"control_characters_become_spaces": {"workflow_terminated", func(e Execution) {
			e.history[len(e.history)-1].GetWorkflowExecutionTerminatedEventAttributes().Reason = "a\x1b[2J\n+0s b"
		}, "a [2J +0s b\n"},
		"failure_that_is_not_recorded_is_not_told": {"persist_waiting_for_retry", func(e Execution) {
			for _, event := range e.history {
				if a := event.GetActivityTaskStartedEventAttributes(); a != nil {
					a.LastFailure = nil
				}
			}
		}, "after it was scheduled\n"},
		"reset_is_not_called_a_failure_of_the_worker": {"workflow_panicked", func(e Execution) {
			setCause(e, enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW)
		}, "The workflow was reset: "},
		"attempt_before_a_reset_of_the_activity_has_no_number": {"annotate_waiting_for_retry", func(e Execution) {
			e.description.PendingActivities[0].Attempt = 1
		}, "The last attempt before the reset failed: "},
		"plain_input_is_not_called_missing": {"workflow_terminated", func(e Execution) {
			input := e.history[0].GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0]
			input.Metadata = map[string][]byte{"encoding": []byte("binary/encrypted")}
		}, "with an input that is not encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			description, history := statustest.Load(t, c.recording)
			e := Execution{description, history.GetEvents()}
			c.change(e)
			if got := e.Story(time.Now()); !strings.Contains(got, c.want) || strings.Contains(got, "0001-01-01") {
				t.Errorf("the story is\n%s\nwant %q", got, c.want)
			}
		})
	}
}

func TestStoryOfARejectionNamesItsReason(t *testing.T) {
	s, now := &story{}, time.Now()
	fail := func(step picture.StepName, kind picture.Kind, message string) {
		s.tellResult(string(step), now, now, &failurepb.Failure{Message: message, FailureInfo: &failurepb.Failure_ApplicationFailureInfo{
			ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: string(kind)}}})
	}
	fail(picture.AnnotateStep, picture.BadImage, "not an image")
	fail(picture.PersistStep, picture.Throttled, "too many writes")
	s.tellResult(string(picture.PersistStep), now, now, nil)
	result, err := converter.GetDefaultDataConverter().ToPayloads(picture.Outcome{Status: picture.Rejected})
	if err != nil {
		t.Fatal(err)
	}
	s.tellOutcome(&historypb.WorkflowExecutionCompletedEventAttributes{Result: result}, now)
	if !strings.HasSuffix(s.String(), "the picture is rejected: not an image\n") {
		t.Errorf("the story is\n%s", s)
	}
}

func TestWorkflowTaskThatTemporalEndedIsNoFailureOfTheWorker(t *testing.T) {
	for _, cause := range []enumspb.WorkflowTaskFailedCause{
		enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, enumspb.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
		enumspb.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND, enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_PAUSE_REQUESTED_BEFORE_TASK_STARTED,
	} {
		t.Run(cause.String(), func(t *testing.T) {
			description, history := statustest.Load(t, "workflow_panicked")
			e := Execution{description, history.GetEvents()}
			setCause(e, cause)
			if story := e.Story(time.Now()); strings.Contains(story, "The worker could not continue") {
				t.Errorf("the story is\n%s", story)
			}
			for _, step := range e.Progress("id").Steps {
				if step.Error != "" {
					t.Errorf("%s has the error %q", step.Name, step.Error)
				}
			}
		})
	}
}

func setCause(e Execution, cause enumspb.WorkflowTaskFailedCause) {
	for _, event := range e.history {
		if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
			failed.Cause = cause
		}
	}
}
