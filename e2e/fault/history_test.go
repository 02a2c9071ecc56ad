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

	"triptych/local/stacktest"
	"triptych/picture"
)

// try is one activity of a run's history, as it ended.
type try struct {
	input   *commonpb.Payloads
	attempt int32
	before  *failurepb.Failure // of the attempt before
	failure *failurepb.Failure // nil if it completed
}

// scheduled are the activities of that name in the picture's latest run.
func (s *shot) scheduled(t *testing.T, name picture.StepName) []*try {
	t.Helper()
	var tries []*try
	by := map[int64]*try{}
	events := s.temporal.GetWorkflowHistory(patient(t), s.ID.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == string(name) {
			by[e.EventId] = &try{input: a.Input}
			tries = append(tries, by[e.EventId])
		}
		if a := e.GetActivityTaskStartedEventAttributes(); by[a.GetScheduledEventId()] != nil {
			one := by[a.ScheduledEventId]
			one.attempt, one.before = a.Attempt, a.LastFailure
		}
		if a := e.GetActivityTaskFailedEventAttributes(); by[a.GetScheduledEventId()] != nil {
			by[a.ScheduledEventId].failure = a.Failure
		}
	}
	return tries
}

// retried wants the step to have been scheduled once and to have succeeded in its second attempt, after that failure.
func (s *shot) retried(t *testing.T, w waiting) {
	t.Helper()
	tries := s.scheduled(t, w.step)
	if len(tries) != 1 {
		t.Fatalf("%s was scheduled %d times", w.step, len(tries))
	}
	one := tries[0]
	if kind := kindOf(one.before); one.attempt != 2 || kind != w.kind || !strings.Contains(one.before.GetMessage(), w.says) {
		t.Errorf("attempt %d came after %s %q, want 2 after %s %q", one.attempt, kind, one.before.GetMessage(), w.kind, w.says)
	}
}

// within is how the workflow's own try of the step ended; tried is false if there was none.
func (s *shot) within(t *testing.T, step picture.StepName) (failure *failurepb.Failure, tried bool) {
	t.Helper()
	events := s.temporal.GetWorkflowHistory(patient(t), s.ID.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		marker := e.GetMarkerRecordedEventAttributes()
		var local struct{ ActivityType string }
		data := marker.GetDetails()["data"]
		if marker.GetMarkerName() != "LocalActivity" || converter.GetDefaultDataConverter().FromPayloads(data, &local) != nil {
			continue
		}
		if local.ActivityType == string(step) {
			failure, tried = marker.Failure, true
		}
	}
	return failure, tried
}

// triedAgain wants the step to have failed so within the workflow, and to have succeeded at once as an activity.
func (s *shot) triedAgain(t *testing.T, w waiting) {
	t.Helper()
	failure, tried := s.within(t, w.step)
	if kind := kindOf(failure); !tried || kind != w.kind || !strings.Contains(failure.GetMessage(), w.says) {
		t.Errorf("%s within the workflow (%v) ended in %s %q, want %s %q", w.step, tried, kind, failure.GetMessage(), w.kind, w.says)
	}
	if tries := s.scheduled(t, w.step); len(tries) != 1 || tries[0].attempt != 1 {
		t.Errorf("%s was then scheduled %d times", w.step, len(tries))
	}
}

// taskLost wants a worker to have died over the workflow's own work.
func (s *shot) taskLost(t *testing.T) {
	t.Helper()
	events := s.temporal.GetWorkflowHistory(patient(t), s.ID.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE {
			return
		}
	}
	t.Error("no worker was missed")
}

// lost wants the step's last attempt to have come after one whose worker was never heard of again.
func (s *shot) lost(t *testing.T, step picture.StepName, why enumspb.TimeoutType) {
	t.Helper()
	tries := s.scheduled(t, step)
	if len(tries) != 1 {
		t.Fatalf("%s was scheduled %d times", step, len(tries))
	}
	before := tries[0].before
	if tries[0].attempt != 2 || timeoutOf(before) != why {
		t.Errorf("attempt %d of %s came after %v, want 2 after %s", tries[0].attempt, step, before, why)
	}
}

// givenUp returns once Temporal tells that the step is in its second attempt, because nothing was heard of the first.
func (s *shot) givenUp(t *testing.T, step picture.StepName, why enumspb.TimeoutType) {
	t.Helper()
	var pending []*workflowpb.PendingActivityInfo
	told := func(context.Context) bool {
		pending = s.describe(t).PendingActivities
		return len(pending) == 1 && pending[0].ActivityType.GetName() == string(step) && pending[0].Attempt == 2 && timeoutOf(pending[0].LastFailure) == why
	}
	if !stacktest.Eventually(t, told) {
		t.Fatalf("Temporal tells of %v", pending)
	}
}

// first wants the step to have succeeded at once.
func (s *shot) first(t *testing.T, step picture.StepName) {
	t.Helper()
	tries := s.scheduled(t, step)
	if failure, tried := s.within(t, step); tried {
		if failure != nil || len(tries) != 0 {
			t.Errorf("%s within the workflow ended in %v and was scheduled %d times", step, failure, len(tries))
		}
		return
	}
	if len(tries) != 1 || tries[0].attempt != 1 {
		t.Errorf("%s was scheduled %d times, or tried more than once", step, len(tries))
	}
}

// happens waits for an event in the history of the picture's run.
func (s *shot) happens(t *testing.T, want enumspb.EventType) {
	t.Helper()
	happened := func(ctx context.Context) bool {
		// Waits for each new event; ends at once while there is no run.
		events := s.temporal.GetWorkflowHistory(ctx, s.ID.WorkflowID(), "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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
	if !stacktest.Eventually(t, happened) {
		t.Fatalf("there never was %s", want)
	}
}

// billed waits until Google is paid for the picture.
func (s *shot) billed(t *testing.T) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool { return s.bills(t) > 0 }) {
		t.Fatal("Google never looked")
	}
}

func kindOf(f *failurepb.Failure) picture.Kind {
	return picture.Kind(f.GetApplicationFailureInfo().GetType())
}

func timeoutOf(f *failurepb.Failure) enumspb.TimeoutType {
	return f.GetTimeoutFailureInfo().GetTimeoutType()
}
