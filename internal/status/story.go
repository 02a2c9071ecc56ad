package status

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/internal/pipeline"
	"triptych/picture"
)

// slowStart is how long a task may wait for a worker before the story mentions the delay.
const slowStart = time.Second

type story struct {
	strings.Builder
	start     time.Time
	task      time.Time                         // start of the latest workflow task: local activities run inside it
	scheduled map[int64]*historypb.HistoryEvent // by ID: what schedules a workflow task or an activity, or starts a timer
	started   map[int64]time.Time               // by the ID of the event that scheduled the activity
	rejection string                            // why a step rejected the picture; "" if none did
	stored    bool                              // persist or discard has succeeded
	ended     bool
}

// MissingKey returns the ID of a key without which the workflow is unreadable, or "". Without the key,
// Story would describe a workflow without input and result.
func (e Execution) MissingKey(ctx context.Context) (string, error) {
	id, err := pipeline.MissingKey(ctx, &historypb.History{Events: e.history})
	if id == "" && err == nil {
		id, err = pipeline.MissingKey(ctx, e.description) // failures of pending activities
	}
	return id, err
}

// Story tells in sentences what has happened to the workflow and what it waits for. It is for operators, because it
// contains the messages of the clouds.
func (e Execution) Story(now time.Time) string {
	s := &story{scheduled: map[int64]*historypb.HistoryEvent{}, started: map[int64]time.Time{}}
	for _, event := range e.history {
		s.add(event)
	}
	if !s.ended {
		s.tellPending(e, now)
	}
	return s.String()
}

func (s *story) tell(at time.Time, format string, args ...any) {
	sentence := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) { // it could forge a line or control the operator's terminal
			return ' '
		}
		return r
	}, picture.Redact(fmt.Sprintf(format, args...)))
	fmt.Fprintf(s, "%8s  %s\n", "+"+round(at.Sub(s.start)), sentence)
}

func (s *story) add(event *historypb.HistoryEvent) {
	at := event.GetEventTime().AsTime()
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		s.start = at
		s.tellStart(event.GetWorkflowExecutionStartedEventAttributes())
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		s.scheduled[event.GetEventId()] = event
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		s.task = at
		if wait := at.Sub(s.scheduledAt(event.GetWorkflowTaskStartedEventAttributes().GetScheduledEventId())); wait >= slowStart {
			s.tell(at, "A worker continued the workflow, which had waited %s for a worker", round(wait))
		}
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		s.tellTaskFailure(event, at)
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
		if event.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE {
			s.tell(at, "The worker stopped responding while it executed the workflow")
		}
	case enumspb.EVENT_TYPE_MARKER_RECORDED:
		if marker := event.GetMarkerRecordedEventAttributes(); marker.GetMarkerName() == "LocalActivity" {
			s.tellResult(localActivity(marker).ActivityType, s.task, at, marker.GetFailure())
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		a := event.GetActivityTaskStartedEventAttributes()
		id := a.GetScheduledEventId()
		s.started[id] = at
		if wait := at.Sub(s.scheduledAt(id)); a.GetAttempt() > 1 {
			failed := ""
			if failure := a.GetLastFailure(); failure != nil {
				failed = fmt.Sprintf(". Attempt %d failed: %s", a.GetAttempt()-1, reason(failure))
			}
			s.tell(at, "%s began attempt %d, %s after it was scheduled%s", s.activity(id), a.GetAttempt(), round(wait), failed)
		} else if wait >= slowStart {
			s.tell(at, "%s began %s after it was scheduled: it waited for a worker or for the rate limit, or was reset", s.activity(id), round(wait))
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		id := event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()
		s.tellResult(s.activity(id), s.started[id], at, nil)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := event.GetActivityTaskFailedEventAttributes()
		s.tellResult(s.activity(a.GetScheduledEventId()), s.started[a.GetScheduledEventId()], at, a.GetFailure())
	case enumspb.EVENT_TYPE_TIMER_STARTED:
		s.scheduled[event.GetEventId()] = event
		s.tell(at, "The workflow began to wait for %s", round(event.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration()))
	case enumspb.EVENT_TYPE_TIMER_FIRED:
		delete(s.scheduled, event.GetTimerFiredEventAttributes().GetStartedEventId())
		s.tell(at, "The wait ended")
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		s.ended = true
		s.tellOutcome(event.GetWorkflowExecutionCompletedEventAttributes(), at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		s.ended = true
		s.tell(at, "The workflow continued as run %s", event.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId())
	default:
		if ending := endings[event.GetEventType()]; ending != "" {
			s.ended = true
			why := event.GetWorkflowExecutionTerminatedEventAttributes().GetReason()
			if failure := event.GetWorkflowExecutionFailedEventAttributes().GetFailure(); failure != nil {
				why = reason(failure)
			}
			s.tell(at, "%s", strings.TrimSuffix(ending+": "+why, ": "))
		}
	}
}

func (s *story) tellTaskFailure(event *historypb.HistoryEvent, at time.Time) {
	failed := event.GetWorkflowTaskFailedEventAttributes()
	switch why := reason(failed.GetFailure()); {
	case failed.GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW:
		s.tell(at, "The workflow was reset: %s", why)
	case !isByTemporal(event):
		s.tell(at, "The worker could not continue the workflow: %s", why)
	}
}

func (s *story) tellStart(a *historypb.WorkflowExecutionStartedEventAttributes) {
	subject := s.start.Format(time.DateTime) + " UTC"
	var input json.RawMessage
	var order picture.Order
	if err := decode(a.GetInput(), &input); err != nil { // a strict codec refuses a plain input
		subject += " with an input that is not encrypted"
	} else if a.GetWorkflowType().GetName() == picture.AnnotateWorkflow && json.Unmarshal(input, &order) == nil {
		subject += fmt.Sprintf(" for %s (%d bytes)", order.Key, order.Size)
		if !order.UploadedAt.IsZero() {
			subject += fmt.Sprintf(", %s after the upload", round(s.start.Sub(order.UploadedAt)))
		}
	} else {
		subject += " with " + cmp.Or(string(input), "no input")
	}
	s.tell(s.start, "%s started on %s", a.GetWorkflowType().GetName(), subject)
}

func (s *story) tellResult(activity string, started, ended time.Time, failure *failurepb.Failure) {
	if failure == nil {
		s.stored = s.stored || activity == string(picture.PersistStep) || activity == picture.DiscardActivity
		s.tell(ended, "%s succeeded in %s (%s)", activity, round(ended.Sub(started)), picture.Summary(activity))
		return
	}
	why := reason(failure)
	if picture.Kind(unwrap(failure).GetApplicationFailureInfo().GetType()).Rejects() {
		s.rejection = why
	}
	s.tell(ended, "%s failed (%s): %s", activity, picture.Summary(activity), why)
}

func (s *story) tellOutcome(a *historypb.WorkflowExecutionCompletedEventAttributes, at time.Time) {
	var result json.RawMessage
	var outcome picture.Outcome
	decode(a.GetResult(), &result)
	json.Unmarshal(result, &outcome)
	switch {
	case outcome.Status == picture.Erased:
		s.tell(at, "The workflow ended: the owner has erased the picture")
	case outcome.Status != "" && !s.stored:
		s.tell(at, "The workflow ended: an earlier workflow had already %s the picture", outcome.Status)
	case outcome.Status == picture.Rejected:
		s.tell(at, "The workflow ended: the picture is rejected: %s", s.rejection)
	case outcome.Status != "":
		s.tell(at, "The workflow ended: the picture is %s", outcome.Status)
	default:
		s.tell(at, "The workflow ended with %s", cmp.Or(string(result), "no result"))
	}
}

func (s *story) tellPending(e Execution, now time.Time) {
	for id, event := range s.scheduled {
		if timer := event.GetTimerStartedEventAttributes(); timer != nil {
			fires := s.scheduledAt(id).Add(timer.GetStartToFireTimeout().AsDuration())
			s.tell(now, "Now: the workflow waits until %s UTC, another %s", fires.Format(time.DateTime), round(fires.Sub(now)))
		}
	}
	for _, pending := range e.description.GetPendingActivities() {
		s.tellPendingActivity(e.WorkflowID(), pending, now)
	}
	switch task := e.description.GetPendingWorkflowTask(); {
	case task == nil:
	case task.GetAttempt() > 1:
		s.tell(now, "Now: a worker must continue the workflow, and %d attempts failed. Read the worker's log", task.GetAttempt()-1)
	case task.GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_STARTED || s.task.After(task.GetScheduledTime().AsTime()):
		s.tell(now, "Now: a worker executes the workflow")
	default:
		s.tell(now, "Now: the workflow has waited %s for a worker. Check that a worker runs", round(now.Sub(task.GetScheduledTime().AsTime())))
	}
}

func (s *story) tellPendingActivity(workflowID string, pending *workflowpb.PendingActivityInfo, now time.Time) {
	step := picture.Step{Name: picture.StepName(pending.GetActivityType().GetName()), Status: picture.StepWaiting}
	applyTo(&step, pending)
	does := picture.Summary(string(step.Name))
	switch {
	case step.Status == picture.StepPaused:
		s.tell(now, "Now: %s is paused by an operator (%s). To continue: temporal activity unpause -w %s --activity-id %s", step.Name, does, workflowID, pending.GetActivityId())
	case step.Status == picture.StepWaiting:
		s.tell(now, "Now: %s has waited %s for a worker (%s). Check that a worker runs and that the rate limit is not 0", step.Name, round(now.Sub(timeOf(pending.GetScheduledTime()))), does)
	case pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED:
		s.tell(now, "Now: %s is in attempt %d for %s (%s)", step.Name, step.Attempt, round(now.Sub(step.StartedAt)), does)
	case step.NextAttemptAt.IsZero():
		s.tell(now, "Now: %s waits for attempt %d, which no worker has taken (%s). Check that a worker runs and that the rate limit is not 0", step.Name, step.Attempt, does)
	default:
		s.tell(now, "Now: %s waits for attempt %d, at %s UTC, in %s (%s)", step.Name, step.Attempt,
			step.NextAttemptAt.Format(time.DateTime), round(max(0, step.NextAttemptAt.Sub(now))), does)
	}
	if failure, nth := pending.GetLastFailure(), pending.GetAttempt()-1; failure != nil && nth > 0 {
		s.tell(now, "Attempt %d failed: %s", nth, reason(failure))
	} else if failure != nil {
		s.tell(now, "The last attempt before the reset failed: %s", reason(failure))
	}
}

func (s *story) activity(id int64) string {
	return s.scheduled[id].GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
}

func (s *story) scheduledAt(id int64) time.Time { return s.scheduled[id].GetEventTime().AsTime() }

// reason includes the messages of the clouds and of unknown errors, which messageOf hides from the public.
func reason(failure *failurepb.Failure) string {
	failure = unwrap(failure)
	message := failure.GetMessage()
	if failure.GetTimeoutFailureInfo() != nil {
		message = messageOf(failure)
	}
	for cause := failure.GetCause(); cause != nil; cause = cause.GetCause() {
		message += " (" + cause.GetMessage() + ")"
	}
	return message
}

func round(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
