package fault

import (
	"context"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"triptych/e2e/stacktest"
	"triptych/picture"
)

type activityRun struct {
	input           *commonpb.Payloads
	attempt         int32              // number of the last attempt
	previousFailure *failurepb.Failure // of the attempt before the last one
	failure         *failurepb.Failure // of the last attempt; nil if it completed
}

// activityRuns does not include local activities.
func (p *testPicture) activityRuns(t *testing.T, step picture.StepName) []*activityRun {
	t.Helper()
	var runs []*activityRun
	byEvent := map[int64]*activityRun{}
	for _, e := range p.History(t, p.ID) {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == string(step) {
			byEvent[e.EventId] = &activityRun{input: a.Input}
			runs = append(runs, byEvent[e.EventId])
		}
		if a := e.GetActivityTaskStartedEventAttributes(); byEvent[a.GetScheduledEventId()] != nil {
			run := byEvent[a.ScheduledEventId]
			run.attempt, run.previousFailure = a.Attempt, a.LastFailure
		}
		if a := e.GetActivityTaskFailedEventAttributes(); byEvent[a.GetScheduledEventId()] != nil {
			byEvent[a.ScheduledEventId].failure = a.Failure
		}
	}
	return runs
}

func (p *testPicture) onlyActivityRun(t *testing.T, step picture.StepName) *activityRun {
	t.Helper()
	runs := p.activityRuns(t, step)
	if len(runs) != 1 {
		t.Fatalf("%s was scheduled %d times, want once", step, len(runs))
	}
	return runs[0]
}

func (p *testPicture) localAttempt(t *testing.T, step picture.StepName) (failure *failurepb.Failure, found bool) {
	t.Helper()
	for _, e := range p.History(t, p.ID) {
		marker := e.GetMarkerRecordedEventAttributes()
		var local struct{ ActivityType string }
		data := marker.GetDetails()["data"]
		if marker.GetMarkerName() != "LocalActivity" || converter.GetDefaultDataConverter().FromPayloads(data, &local) != nil {
			continue
		}
		if local.ActivityType == string(step) {
			failure, found = marker.Failure, true
		}
	}
	return failure, found
}

func (p *testPicture) checkFirstAttempt(t *testing.T, step picture.StepName) {
	t.Helper()
	runs := p.activityRuns(t, step)
	if failure, found := p.localAttempt(t, step); found {
		if failure != nil || len(runs) != 0 {
			t.Errorf("the local activity %s ended with failure %v, and %d durable activities followed; want neither", step, failure, len(runs))
		}
		return
	}
	if len(runs) != 1 || runs[0].attempt != 1 {
		t.Errorf("%s was scheduled %d times or needed more than one attempt", step, len(runs))
	}
}

func (p *testPicture) checkRetriedOnceAfter(t *testing.T, want stepFailure) {
	t.Helper()
	run := p.onlyActivityRun(t, want.step)
	kind, message := kindOf(run.previousFailure), run.previousFailure.GetMessage()
	if run.attempt != 2 || kind != want.kind || !strings.Contains(message, want.message) {
		t.Errorf("attempt %d followed %s %q, want attempt 2 after %s %q", run.attempt, kind, message, want.kind, want.message)
	}
}

func (p *testPicture) checkSucceededAfterLocalFailure(t *testing.T, want stepFailure) {
	t.Helper()
	failure, found := p.localAttempt(t, want.step)
	if kind := kindOf(failure); !found || kind != want.kind || !strings.Contains(failure.GetMessage(), want.message) {
		t.Errorf("the local activity %s (found: %v) ended with %s %q, want %s %q", want.step, found, kind, failure.GetMessage(), want.kind, want.message)
	}
	if runs := p.activityRuns(t, want.step); len(runs) != 1 || runs[0].attempt != 1 {
		t.Errorf("%s was scheduled %d times or needed more than one attempt", want.step, len(runs))
	}
}

func (p *testPicture) checkWorkflowTaskTimedOut(t *testing.T) {
	t.Helper()
	for _, e := range p.History(t, p.ID) {
		if e.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE {
			return
		}
	}
	t.Error("no workflow task timed out")
}

func (p *testPicture) checkFirstAttemptTimedOut(t *testing.T, step picture.StepName, want enumspb.TimeoutType) {
	t.Helper()
	run := p.onlyActivityRun(t, step)
	if run.attempt != 2 || timeoutOf(run.previousFailure) != want {
		t.Errorf("attempt %d of %s followed %v, want attempt 2 after %s", run.attempt, step, run.previousFailure, want)
	}
}

func (p *testPicture) awaitTimeout(t *testing.T, step picture.StepName, want enumspb.TimeoutType) {
	t.Helper()
	var pending []*workflowpb.PendingActivityInfo
	timedOut := func(context.Context) bool {
		pending = p.describeWorkflow(t).PendingActivities
		return len(pending) == 1 && pending[0].ActivityType.GetName() == string(step) && pending[0].Attempt == 2 && timeoutOf(pending[0].LastFailure) == want
	}
	if !stacktest.Eventually(t, timedOut) {
		t.Fatalf("%s did not time out with %s: pending activities %v", step, want, pending)
	}
}

func (p *testPicture) awaitEvent(t *testing.T, want enumspb.EventType) {
	t.Helper()
	found := func(ctx context.Context) bool {
		// GetWorkflowHistory waits for new events, but not for the workflow to be created, so stacktest.Eventually
		// repeats the call.
		events := p.Temporal.GetWorkflowHistory(ctx, p.ID.WorkflowID(), "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				return false
			}
			if e.EventType == want {
				return true
			}
		}
		return false
	}
	if !stacktest.Eventually(t, found) {
		t.Fatalf("the workflow history contains no %s", want)
	}
}

func kindOf(f *failurepb.Failure) picture.Kind {
	return picture.Kind(f.GetApplicationFailureInfo().GetType())
}

func timeoutOf(f *failurepb.Failure) enumspb.TimeoutType {
	return f.GetTimeoutFailureInfo().GetTimeoutType()
}
