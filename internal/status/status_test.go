package status

import (
	"fmt"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"triptych/e2e/statustest"
	"triptych/picture"
)

var recordings = map[string]struct {
	status picture.Status
	steps  [3]string
}{
	"no_worker":                      {picture.Running, [3]string{"waiting", "waiting", "waiting"}},
	"presign_running_locally":        {picture.Running, [3]string{"running started", "waiting", "waiting"}},
	"presign_waiting_for_retry":      {picture.Running, [3]string{"retrying 2 next waitingFor=aws: The credentials are missing", "waiting", "waiting"}},
	"annotate_without_worker":        {picture.Running, [3]string{"done 1 started finished", "waiting", "waiting"}},
	"annotate_running":               {picture.Running, [3]string{"done 1 started finished", "running 1 started", "waiting"}},
	"annotate_waiting_for_retry":     {picture.Running, [3]string{"done 1 started finished", "retrying 2 next waitingFor=google: The service is down", "waiting"}},
	"annotate_retrying":              {picture.Running, [3]string{"done 1 started finished", "retrying 2 started waitingFor=google: The service is down", "waiting"}},
	"annotate_heartbeat_timeout":     {picture.Running, [3]string{"done 1 started finished", "retrying 2 next: The worker stopped responding (Heartbeat timeout)", "waiting"}},
	"annotate_paused_before_a_retry": {picture.Running, [3]string{"done 1 started finished", "paused 2: The operator has paused this step", "waiting"}},
	"annotate_running_when_paused":   {picture.Running, [3]string{"done 1 started finished", "running 1 started", "waiting"}},
	"annotate_running_with_bytes":    {picture.Running, [3]string{"done 1 started finished", "running 1 started", "waiting"}},
	"rejection_running_persist":      {picture.Running, [3]string{"done 1 started finished", "failed 1 started finished waitingFor=google: The file is not an image", "running 1 started"}},
	"persist_waiting_for_retry":      {picture.Running, [3]string{"done 1 started finished", "done 2 started finished", "retrying 2 next waitingFor=azure: The service throttles writes"}},
	"persist_running_locally":        {picture.Running, [3]string{"done 1 started finished", "done 1 started finished", "running started"}},
	"discard_running_locally":        {picture.Running, [3]string{"done 1 started finished", "failed 1 started finished: The owner erased the picture", "waiting"}},
	"discard_waiting_for_retry":      {picture.Running, [3]string{"done 1 started finished", "failed 1 started finished: The owner erased the picture", "retrying 2 next waitingFor=azure: The service throttles writes"}},
	"completed":                      {picture.Annotated, [3]string{"done 1 started finished", "done 1 started finished", "done 1 started finished"}},
	"completed_with_local_persist":   {picture.Annotated, [3]string{"done 1 started finished", "done 1 started finished", "done 1 started finished"}},
	"completed_with_discard":         {picture.Erased, [3]string{"done 1 started finished", "failed 1 started finished: The owner erased the picture", "done 1 started finished"}},
	"workflow_terminated":            {picture.Waiting, [3]string{"done 1 started finished", "failed finished: The workflow was terminated", "waiting"}},
	"workflow_cancelled":             {picture.Waiting, [3]string{"done 1 started finished", "failed finished: The workflow was cancelled", "waiting"}},
	"workflow_failed":                {picture.Waiting, [3]string{"failed 1 started finished: The workflow failed", "waiting", "waiting"}},
	"workflow_panicked":              {picture.Running, [3]string{"retrying 2: The worker cannot continue", "waiting", "waiting"}},
}

func TestProgress(t *testing.T) {
	if *recordFrom != "" {
		recordScenarios(t)
	}
	for name, want := range recordings {
		t.Run(name, func(t *testing.T) {
			description, history := statustest.Load(t, name)
			progress := Execution{description, history.GetEvents()}.Progress("id")
			if progress.Reference != "id" || progress.Status != want.status {
				t.Errorf("%s is %s, want %s", progress.Reference, progress.Status, want.status)
			}
			for i, step := range progress.Steps {
				if step.Name != picture.StepOrder[i] || step.Cloud != step.Name.Cloud() {
					t.Errorf("step %d is %s in %s", i, step.Name, step.Cloud)
				}
				if got := describe(step); got != want.steps[i] {
					t.Errorf("%s: %q, want %q", step.Name, got, want.steps[i])
				}
			}
		})
	}
}

func TestProgressWithoutAnExecutionIsWaiting(t *testing.T) {
	progress := Execution{}.Progress("id")
	if progress.Status != picture.Waiting || len(progress.Steps) != len(picture.StepOrder) {
		t.Errorf("status is %s with %d steps", progress.Status, len(progress.Steps))
	}
}

func TestHistoryNewerThanTheDescriptionDecides(t *testing.T) {
	description, _ := statustest.Load(t, "annotate_waiting_for_retry")
	_, history := statustest.Load(t, "completed")
	progress := Execution{description, history.GetEvents()}.Progress("id")
	if progress.Status != picture.Annotated || progress.Steps[1].Status != picture.StepDone {
		t.Errorf("a completed workflow is %s, annotate %s", progress.Status, progress.Steps[1].Status)
	}
}

func TestIncompleteHistoryHasAllSteps(t *testing.T) {
	for name := range recordings {
		description, history := statustest.Load(t, name)
		for i := range history.GetEvents() {
			for _, part := range [][]*historypb.HistoryEvent{history.Events[:i], history.Events[i:]} {
				if steps := (Execution{description, part}).Progress("id").Steps; len(steps) != len(picture.StepOrder) {
					t.Fatalf("%s, cut at %d: %d steps", name, i, len(steps))
				}
			}
		}
	}
}

func TestCloudComesFromFailureDetails(t *testing.T) {
	for name, c := range map[string]struct {
		recording string
		step      int
		failure   func(Execution) **failurepb.Failure // where the recording has the failure
		lastEvent enumspb.EventType                   // the history is cut after this event; 0 keeps all events
		status    picture.StepStatus
	}{
		"pending_activity": {
			recording: "annotate_waiting_for_retry", step: 1, status: picture.StepRetrying,
			failure: func(e Execution) **failurepb.Failure { return &e.description.PendingActivities[0].LastFailure },
		},
		"failed_activity": {
			recording: "rejection_running_persist", step: 1, status: picture.StepFailed,
			failure: func(e Execution) **failurepb.Failure {
				return &find(e.history, enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED).GetActivityTaskFailedEventAttributes().Failure
			},
		},
		"failed_local_activity": {
			recording: "presign_waiting_for_retry", step: 0, status: picture.StepFailed,
			lastEvent: enumspb.EVENT_TYPE_MARKER_RECORDED,
			failure: func(e Execution) **failurepb.Failure {
				return &find(e.history, enumspb.EVENT_TYPE_MARKER_RECORDED).GetMarkerRecordedEventAttributes().Failure
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			description, history := statustest.Load(t, c.recording)
			e := Execution{description, history.GetEvents()}
			if c.lastEvent != 0 {
				e.history = e.history[:find(e.history, c.lastEvent).GetEventId()]
				e.description = &workflowservice.DescribeWorkflowExecutionResponse{}
			}
			recorded := e.Progress("id").Steps[c.step]
			if recorded.WaitingFor != recorded.Cloud || recorded.Status != c.status {
				t.Errorf("the recorded failure: %s waits for %q, want %s waiting for %s", recorded.Status, recorded.WaitingFor, c.status, recorded.Cloud)
			}
			const sentence = "AWS, Google Cloud and Azure are unavailable"
			*c.failure(e) = applicationFailure(t, sentence, picture.FailureDetails{Cloud: picture.Temporal})
			if step := e.Progress("id").Steps[c.step]; step.WaitingFor != picture.Temporal || step.Error != sentence {
				t.Errorf("with details: waiting for %q after %q", step.WaitingFor, step.Error)
			}
			*c.failure(e) = applicationFailure(t, sentence)
			if step := e.Progress("id").Steps[c.step]; step.WaitingFor != "" || step.Error != sentence {
				t.Errorf("without details: waiting for %q after %q", step.WaitingFor, step.Error)
			}
		})
	}
}

func TestPicture(t *testing.T) {
	description, history := statustest.Load(t, "annotate_running")
	started := history.Events[0].GetWorkflowExecutionStartedEventAttributes()
	e := Execution{description, history.Events}
	t.Run("comes_from_the_input_of_the_workflow", func(t *testing.T) {
		p, err := e.Picture()
		if err != nil || p.ID.WorkflowID() != description.WorkflowExecutionInfo.Execution.WorkflowId || p.VersionID != "v1" {
			t.Errorf("the picture is %+v, %v", p, err)
		}
	})
	t.Run("input_that_is_not_an_order_is_an_error", func(t *testing.T) {
		started.Input = encode(t, "not an order")
		if p, err := e.Picture(); err == nil {
			t.Errorf("decoded %+v", p)
		}
	})
	t.Run("empty_history_is_an_error", func(t *testing.T) {
		if p, err := (Execution{description: description}).Picture(); err == nil {
			t.Errorf("decoded %+v", p)
		}
	})
}

func find(history []*historypb.HistoryEvent, want enumspb.EventType) *historypb.HistoryEvent {
	for _, event := range history {
		if event.EventType == want {
			return event
		}
	}
	return nil
}

func applicationFailure(t *testing.T, message string, details ...any) *failurepb.Failure {
	t.Helper()
	info := &failurepb.ApplicationFailureInfo{Type: string(picture.Unavailable), Details: encode(t, details...)}
	return &failurepb.Failure{Message: message, FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: info}}
}

func encode(t *testing.T, values ...any) *commonpb.Payloads {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(values...)
	if err != nil {
		t.Fatal(err)
	}
	return payloads
}

func describe(s picture.Step) string {
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
	if s.WaitingFor != "" {
		words = append(words, "waitingFor="+string(s.WaitingFor))
	}
	if s.Error != "" {
		words[len(words)-1] += ": " + s.Error
	}
	return strings.Join(words, " ")
}

func TestMessageIsSafeForEveryoneWithTheLink(t *testing.T) {
	for name, c := range map[string]struct{ kind, want string }{
		"explained_error_is_shown":        {string(picture.BadImage), "INTERNAL: customer 42"},
		"reason_of_an_operator_is_hidden": {"", "The worker had an unexpected error"}, // temporal activity fail
		"panic_is_hidden":                 {"PanicError", "The worker had an unexpected error"},
		"unregistered_activity_is_hidden": {"ActivityNotRegisteredError", "The worker had an unexpected error"},
		"error_of_a_library_is_hidden":    {"wrapError", "The worker had an unexpected error"},
	} {
		t.Run(name, func(t *testing.T) {
			failure := &failurepb.Failure{Message: "INTERNAL: customer 42", FailureInfo: &failurepb.Failure_ApplicationFailureInfo{
				ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: c.kind},
			}}
			if got := messageOf(failure); got != c.want {
				t.Errorf("the message is %q, want %q", got, c.want)
			}
		})
	}
}
