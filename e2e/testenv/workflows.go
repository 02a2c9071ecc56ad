package testenv

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"triptych/e2e/stacktest"
	"triptych/internal/pipeline"
	"triptych/picture"
)

// NoLog is a logger for Temporal clients.
var NoLog = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

func (e *Env) AwaitActivity(t testing.TB, workflowID, activity string) {
	t.Helper()
	completed := func(ctx context.Context) bool {
		scheduled := map[int64]string{}
		events := e.Temporal.GetWorkflowHistory(ctx, workflowID, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				return false
			}
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				scheduled[event.EventId] = a.ActivityType.Name
			}
			if a := event.GetActivityTaskCompletedEventAttributes(); a != nil && scheduled[a.ScheduledEventId] == activity {
				return true
			}
		}
		return false
	}
	if !stacktest.Eventually(t, completed) {
		t.Fatalf("%s did not complete %s", workflowID, activity)
	}
}

func (e *Env) RunSweep(t testing.TB, workflowID string, sweep picture.Sweep) picture.SweepCounts {
	t.Helper()
	ctx := Context(t)
	run, err := e.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflowID, TaskQueue: picture.PicturesQueue}, picture.SweepWorkflow, sweep)
	if err != nil {
		t.Fatal(err)
	}
	var counts picture.SweepCounts
	if err := run.Get(ctx, &counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// The site may show a final status before the workflow ends.
func (e *Env) AwaitWorkflowEnd(t testing.TB, id picture.ID, runID string) (outcome picture.Outcome) {
	t.Helper()
	ctx := Context(t)
	if err := e.Temporal.GetWorkflow(ctx, id.WorkflowID(), runID).Get(ctx, &outcome); err != nil {
		t.Fatal(err)
	}
	return outcome
}

// The parameter `previous` is a run ID, or "" if the picture has no run yet.
func (e *Env) AwaitNewRun(t testing.TB, id picture.ID, previous string) string {
	t.Helper()
	latest := previous
	if !stacktest.Eventually(t, func(context.Context) bool { latest = e.LatestRun(t, id.WorkflowID()); return latest != previous }) {
		t.Fatalf("picture %s has no workflow run except %q", id, previous)
	}
	return latest
}

// LatestRun returns "" if the workflow does not exist.
func (e *Env) LatestRun(t testing.TB, workflowID string) string {
	t.Helper()
	description, err := e.Temporal.DescribeWorkflowExecution(Context(t), workflowID, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return description.WorkflowExecutionInfo.Execution.RunId
}

func (e *Env) AwaitAnnotate(t testing.TB, id picture.ID, condition func(*workflowpb.PendingActivityInfo) bool) *workflowpb.PendingActivityInfo {
	t.Helper()
	e.AwaitNewRun(t, id, "")
	var found *workflowpb.PendingActivityInfo
	fulfilled := func(ctx context.Context) bool {
		description, err := e.Temporal.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range description.PendingActivities {
			if a.ActivityType.Name == string(picture.AnnotateStep) {
				found = a
				return condition(a)
			}
		}
		return false
	}
	if !stacktest.Eventually(t, fulfilled) {
		t.Fatalf("annotate of picture %s did not reach the wanted state: %v", id, found)
	}
	return found
}

// ResetActivity retries a pending activity now, like `temporal activity reset`. The activity may complete before the call.
func (e *Env) ResetActivity(t testing.TB, id picture.ID, pending *workflowpb.PendingActivityInfo) {
	t.Helper()
	_, err := e.Temporal.WorkflowService().ResetActivity(Context(t), &workflowservice.ResetActivityRequest{
		Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()},
		Activity: &workflowservice.ResetActivityRequest_Id{Id: pending.ActivityId},
	})
	if _, completed := errors.AsType[*serviceerror.NotFound](err); err != nil && !completed {
		t.Fatal(err)
	}
}

// History returns the events of the latest run.
func (e *Env) History(t testing.TB, id picture.ID) (events []*historypb.HistoryEvent) {
	t.Helper()
	iterator := e.Temporal.GetWorkflowHistory(Context(t), id.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// Dial connects to the Temporal server at address. The client encrypts payloads with payloadKeys.
func Dial(t testing.TB, address, payloadKeys string) client.Client {
	t.Helper()
	c, err := pipeline.Dial(client.Options{HostPort: address, Logger: NoLog}, payloadKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
