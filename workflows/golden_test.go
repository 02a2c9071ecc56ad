package workflows_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/e2e/statustest"
	"triptych/picture"
	"triptych/workflows"
)

// Never replace a golden history: replaying the old recording proves that new code can continue open workflows.
func goldenPath(workflow, branch string) string {
	return filepath.Join("testdata", workflow, branch+".json")
}

func TestGolden(t *testing.T) {
	if *record == "missing" {
		recordMissing(t)
	}
	for workflow, branches := range recorders() {
		for branch := range branches {
			if _, err := os.Stat(goldenPath(workflow, branch)); err != nil {
				t.Errorf("a branch has no golden history, record it (go test ./workflows -run Golden -record missing): %v", err)
			}
		}
	}
	paths, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no golden histories: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".json")
		t.Run(name+"_replays", func(t *testing.T) {
			if err := replay(path, workflows.AnnotatePicture, workflows.ErasePicture, workflows.SweepPictures); err != nil {
				t.Errorf("open workflows with this history would get stuck: keep the old behaviour for them with workflow.GetVersion\n%v", err)
			}
		})
		t.Run(name+"_has_no_limit_on_attempts", func(t *testing.T) { checkUnlimitedRetries(t, path) })
		t.Run(name+"_does_not_replay_on_another_workflow", func(t *testing.T) {
			if err := replay(path, incompatible, incompatible, incompatible); err == nil {
				t.Error("the replay did not detect a different workflow, so it cannot fail")
			}
		})
	}
}

func TestGoldenTakesItsBranch(t *testing.T) {
	for name, b := range branches() {
		t.Run(name, func(t *testing.T) {
			b.checkHistory(t, statustest.LoadHistory(t, goldenPath(picture.AnnotateWorkflow, name)))
		})
	}
	for _, c := range []struct {
		workflow, branch string
		event            enumspb.EventType
	}{
		{picture.EraseWorkflow, "new_picture", enumspb.EVENT_TYPE_TIMER_FIRED},
		{picture.SweepWorkflow, "two_pages_with_a_wait", enumspb.EVENT_TYPE_TIMER_FIRED},
		{picture.SweepWorkflow, "continued_as_new", enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW},
	} {
		t.Run(c.branch, func(t *testing.T) {
			events := statustest.LoadHistory(t, goldenPath(c.workflow, c.branch)).Events
			if !slices.ContainsFunc(events, func(e *historypb.HistoryEvent) bool { return e.EventType == c.event }) {
				t.Errorf("the history has no %s", c.event)
			}
		})
	}
}

func TestRejectionSetsSearchAttributes(t *testing.T) {
	found := map[string]string{}
	events := statustest.LoadHistory(t, goldenPath(picture.AnnotateWorkflow, "rejection_sets_search_attributes")).Events
	for _, e := range events {
		for name, payload := range e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields() {
			found[name] = string(payload.Data)
		}
	}
	if found[picture.StatusAttribute] != `"rejected"` || found[picture.ReasonAttribute] != `"BadImage"` {
		t.Errorf("the search attributes are %v", found)
	}
	tasks := 0
	for _, e := range events {
		if e.EventType == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks++
		}
	}
	if tasks != 2 {
		t.Errorf("the history has %d workflow tasks, want 2 as without search attributes", tasks)
	}
}

func (b branch) checkHistory(t *testing.T, history *historypb.History) {
	t.Helper()
	var sent []activities.Send
	local, durable := map[string]int{}, map[string]int{}
	var annotateAttempts int
	activityOf := map[int64]string{}
	for _, e := range history.Events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			activityOf[e.EventId] = a.ActivityType.Name
			durable[a.ActivityType.Name]++
			if a.ActivityType.Name == string(picture.AnnotateStep) {
				var in activities.AnnotateInput
				decode(t, a.Input, &in)
				sent = append(sent, in.Send)
			}
		}
		if a := e.GetActivityTaskStartedEventAttributes(); a != nil && activityOf[a.ScheduledEventId] == string(picture.AnnotateStep) {
			annotateAttempts += int(a.Attempt)
		}
		if m := e.GetMarkerRecordedEventAttributes(); m.GetMarkerName() == "LocalActivity" {
			var marker struct{ ActivityType string }
			decode(t, m.Details["data"], &marker)
			local[marker.ActivityType]++
		}
	}
	if want := slices.Compact(slices.Clone(b.sent)); !slices.Equal(sent, want) || annotateAttempts != len(b.sent) {
		t.Errorf("annotate was scheduled with %v and had %d attempts, want %v and %d", sent, annotateAttempts, want, len(b.sent))
	}
	for activity, errs := range map[string][]error{
		string(picture.PresignStep): b.script.presign, string(picture.PersistStep): b.script.persist, picture.DiscardActivity: b.script.discard,
	} {
		continues := slices.ContainsFunc(errs, func(err error) bool { return err != nil && !rejects(err) })
		if continues != (durable[activity] > 0) {
			t.Errorf("%s was scheduled as a durable activity %d times, want it to be %t", activity, durable[activity], continues)
		}
	}
	if local[string(picture.PersistStep)] == 0 && b.persisted > 0 || local[picture.DiscardActivity] == 0 && b.discarded > 0 {
		t.Errorf("local activities: %v, want the first attempt of persist or discard to be local", local)
	}
	var outcome picture.Outcome
	if decode(t, history.Events[len(history.Events)-1].GetWorkflowExecutionCompletedEventAttributes().GetResult(), &outcome); outcome.Status != b.want {
		t.Errorf("outcome %s, want %s", outcome.Status, b.want)
	}
}

func rejects(err error) bool {
	e, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && picture.Kind(e.Type()).Rejects()
}

func decode(t *testing.T, payloads *commonpb.Payloads, into any) {
	t.Helper()
	if err := converter.GetDefaultDataConverter().FromPayloads(payloads, into); err != nil {
		t.Fatal(err)
	}
}

// A limit on attempts or total time would let a workflow end without a Record.
func checkUnlimitedRetries(t *testing.T, path string) {
	t.Helper()
	activities := 0
	for _, event := range statustest.LoadHistory(t, path).Events {
		a := event.GetActivityTaskScheduledEventAttributes()
		if a == nil {
			continue
		}
		activities++
		if a.RetryPolicy.MaximumAttempts != 0 || a.ScheduleToCloseTimeout.AsDuration() != 0 || a.ScheduleToStartTimeout.AsDuration() != 0 {
			t.Errorf("%s has a limit: %v", a.ActivityType.Name, a)
		}
	}
	if activities == 0 {
		t.Error("the history has no activities")
	}
}

func incompatible(ctx workflow.Context, _ any) (any, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var outcome any
	err := workflow.ExecuteActivity(ctx, string(picture.PersistStep)).Get(ctx, &outcome)
	return outcome, err
}

func replay(path string, annotatePicture, erasePicture, sweepPictures any) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(annotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	replayer.RegisterWorkflowWithOptions(erasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	replayer.RegisterWorkflowWithOptions(sweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	return replayer.ReplayWorkflowHistoryFromJSONFile(noLog, path)
}
