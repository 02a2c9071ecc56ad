package main

import (
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"triptych/picture"
)

// trail is what events, read in order, say of the three steps and of the run's end.
type trail struct {
	steps     []picture.Step
	scheduled map[int64]*picture.Step  // by the event that scheduled it
	activity  map[string]*picture.Step // by activity ID, of each step the newest
	takenUp   time.Time                // when a worker first took the run up
	task      time.Time                // when it last did: a local activity runs inside
	stuck     string                   // why the workflow itself cannot go on, if its last try failed
	outcome   picture.Outcome          // of a run that completed
	ending    string                   // why a run ended otherwise
	endedAt   time.Time
}

func newTrail() *trail {
	return &trail{
		steps:     picture.WaitingSteps(),
		scheduled: map[int64]*picture.Step{}, activity: map[string]*picture.Step{},
	}
}

// next is the first step that is not done, or the last.
func (t *trail) next() *picture.Step {
	for i := range t.steps {
		if t.steps[i].Status != picture.StepDone {
			return &t.steps[i]
		}
	}
	return &t.steps[len(t.steps)-1]
}

// again begins the named step anew; nil for an activity that is no step.
func (t *trail) again(name string) *picture.Step {
	for i, step := range t.steps {
		if string(step.Name) == name {
			t.steps[i] = picture.Step{Name: step.Name, Cloud: step.Cloud, Status: picture.StepWaiting}
			return &t.steps[i]
		}
	}
	return nil
}

func (t *trail) add(event *historypb.HistoryEvent) {
	at := moment(event.GetEventTime())
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		if t.task = at; t.takenUp.IsZero() {
			t.takenUp = at
		}
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
		t.stuck = ""
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		t.stuck = "the worker cannot go on: " + reason(event.GetWorkflowTaskFailedEventAttributes().GetFailure())
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
		// A sticky worker that is gone is only passed over.
		if event.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE {
			t.stuck = "the worker stopped answering"
		}
	case enumspb.EVENT_TYPE_MARKER_RECORDED:
		t.addMarker(event.GetMarkerRecordedEventAttributes(), at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		result := event.GetWorkflowExecutionCompletedEventAttributes().GetResult()
		if !decode(result, &t.outcome) || t.outcome.Status == "" {
			t.end("the run ended without saying how", at)
		}
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		t.end("the run failed: "+reason(event.GetWorkflowExecutionFailedEventAttributes().GetFailure()), at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		t.end("the run took longer than it was allowed", at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		t.end("the run was cancelled", at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		t.end("the run was terminated: "+event.GetWorkflowExecutionTerminatedEventAttributes().GetReason(), at)
	default:
		t.addActivity(event, at)
	}
}

func (t *trail) end(why string, at time.Time) { t.ending, t.endedAt = why, at }

// addMarker reads a local activity: it leaves one marker, when it is over.
func (t *trail) addMarker(marker *historypb.MarkerRecordedEventAttributes, at time.Time) {
	var local struct {
		ActivityType string
		Attempt      int
	}
	if marker.GetMarkerName() != "LocalActivity" || !decode(marker.GetDetails()["data"], &local) {
		return
	}
	step := t.again(local.ActivityType)
	if step == nil {
		return
	}
	step.Attempt, step.StartedAt, step.FinishedAt, step.Status = local.Attempt, t.task, at, picture.StepDone
	if failure := marker.GetFailure(); failure != nil {
		step.Status, step.Error = picture.StepFailed, reason(failure)
	}
}

func (t *trail) addActivity(event *historypb.HistoryEvent, at time.Time) {
	over := func(scheduled int64, status picture.StepStatus, err string) {
		if step := t.scheduled[scheduled]; step != nil {
			step.Status, step.FinishedAt, step.Error = status, at, err
		}
	}
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		a := event.GetActivityTaskScheduledEventAttributes()
		step := t.again(a.GetActivityType().GetName())
		t.scheduled[event.GetEventId()], t.activity[a.GetActivityId()] = step, step
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		a := event.GetActivityTaskStartedEventAttributes()
		if step := t.scheduled[a.GetScheduledEventId()]; step != nil {
			step.Status, step.StartedAt, step.Attempt = picture.StepRunning, at, int(a.GetAttempt())
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		over(event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId(), picture.StepDone, "")
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := event.GetActivityTaskFailedEventAttributes()
		over(a.GetScheduledEventId(), picture.StepFailed, reason(a.GetFailure()))
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		a := event.GetActivityTaskTimedOutEventAttributes()
		over(a.GetScheduledEventId(), picture.StepFailed, reason(a.GetFailure()))
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		over(event.GetActivityTaskCanceledEventAttributes().GetScheduledEventId(), picture.StepFailed, "it was cancelled")
	}
}

// pend adds what only the description knows of an activity under way: attempts leave no events. One
// that the history already ended is not under way any more.
func (t *trail) pend(pending *workflowpb.PendingActivityInfo) {
	step := t.activity[pending.GetActivityId()]
	if step == nil || !step.FinishedAt.IsZero() {
		return
	}
	started := pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED
	step.StartedAt = moment(pending.GetLastStartedTime())
	step.Error = reason(pending.GetLastFailure())
	if started || pending.GetAttempt() > 1 {
		step.Attempt = int(pending.GetAttempt())
	}
	switch {
	case pending.GetAttempt() > 1:
		step.Status = picture.StepRetrying
		if !started {
			step.NextAttemptAt = moment(pending.GetNextAttemptScheduleTime())
		}
	case started:
		step.Status = picture.StepRunning
	}
}

// decide fills in for the workflow code, which leaves no trace of what it does itself until that is over: presign, and
// the first try of persist.
func (t *trail) decide(task *workflowpb.PendingWorkflowTaskInfo) {
	step := t.next()
	switch {
	case t.stuck != "":
		step.Status, step.Attempt, step.Error = picture.StepRetrying, int(task.GetAttempt()), t.stuck
	case step.Name == picture.Presign && step.Status == picture.StepWaiting && !t.takenUp.IsZero():
		step.Status, step.StartedAt = picture.StepRunning, t.takenUp
	case step.Name == picture.Persist && step.Status == picture.StepWaiting && task.GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_STARTED:
		step.Status, step.StartedAt = picture.StepRunning, t.task
	}
}

// reason is the sentence in a failure. Temporal's own failures are about the worker, and say so.
func reason(failure *failurepb.Failure) string {
	if failure == nil {
		return ""
	}
	if timeout := failure.GetTimeoutFailureInfo(); timeout != nil {
		return "the worker stopped answering (" + timeout.GetTimeoutType().String() + " timeout)"
	}
	return failure.GetMessage()
}

func decode(payloads *commonpb.Payloads, into any) bool {
	return payloads != nil && converter.GetDefaultDataConverter().FromPayloads(payloads, into) == nil
}

func moment(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
