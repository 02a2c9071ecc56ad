// Package status derives a picture's progress, and the story of a workflow, from the workflow's description and history.
// The package sends no Temporal query, because only a running worker can answer a query.
package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"triptych/picture"
)

// Execution is a snapshot of a picture's workflow. The zero value means that Temporal has no such workflow.
type Execution struct {
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     []*historypb.HistoryEvent
}

// Read reads the latest run if runID is "". It downloads the history only if it has grown since `previous`.
func Read(ctx context.Context, temporal client.Client, workflowID, runID string, previous Execution) (Execution, error) {
	description, err := temporal.DescribeWorkflowExecution(ctx, workflowID, runID)
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return Execution{}, nil
	}
	if err != nil {
		return Execution{}, fmt.Errorf("describing the workflow: %w", err)
	}
	e := Execution{description: description}
	if e.RunID() == previous.RunID() && int64(len(previous.history)) >= description.GetWorkflowExecutionInfo().GetHistoryLength() {
		return Execution{description, previous.history}, nil
	}
	events := temporal.GetWorkflowHistory(ctx, workflowID, e.RunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return Execution{}, fmt.Errorf("reading the history: %w", err)
		}
		e.history = append(e.history, event)
	}
	return e, nil
}

func (e Execution) Exists() bool { return e.description != nil }

func (e Execution) WorkflowID() string {
	return e.description.GetWorkflowExecutionInfo().GetExecution().GetWorkflowId()
}

func (e Execution) RunID() string {
	return e.description.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// Picture decodes the workflow's input.
func (e Execution) Picture() (picture.Picture, error) {
	if len(e.history) == 0 {
		return picture.Picture{}, errors.New("the workflow has no history")
	}
	var order picture.Order
	if err := decode(e.history[0].GetWorkflowExecutionStartedEventAttributes().GetInput(), &order); err != nil {
		return picture.Picture{}, fmt.Errorf("decoding the workflow's input: %w", err)
	}
	return order.Picture, nil
}

// A workflow that failed, timed out, was cancelled or was terminated is started again by the next sweep, so its picture is
// `waiting`.
func (e Execution) Progress(id picture.ID) picture.Progress {
	if !e.Exists() {
		return picture.Progress{Reference: id, Status: picture.Waiting, Steps: picture.WaitingSteps()}
	}
	t := timeline{status: picture.Running, steps: picture.WaitingSteps(), scheduled: map[int64]*picture.Step{}}
	for _, event := range e.history {
		t.add(event)
	}
	if t.status == picture.Running { // after the workflow has closed, the description may be outdated
		for _, pending := range e.description.GetPendingActivities() {
			t.applyPending(pending)
		}
		t.inferLocalActivity(e.description.GetPendingWorkflowTask())
	}
	return picture.Progress{Reference: id, Status: t.status, Steps: t.steps}
}

type timeline struct {
	status      picture.Status
	steps       []picture.Step
	scheduled   map[int64]*picture.Step // by the ID of the event that scheduled the activity
	firstTask   time.Time               // start of the first workflow task
	currentTask time.Time               // start of the latest workflow task: local activities run inside it
	taskError   string                  // why the latest workflow task failed; "" if it did not
}

func (t *timeline) current() *picture.Step {
	for i := range t.steps {
		if t.steps[i].Status != picture.StepDone {
			return &t.steps[i]
		}
	}
	return &t.steps[len(t.steps)-1]
}

func (t *timeline) step(activity string) *picture.Step {
	if activity == picture.DiscardActivity { // replaces persist for an erased picture
		activity = string(picture.PersistStep)
	}
	for i := range t.steps {
		if string(t.steps[i].Name) == activity {
			return &t.steps[i]
		}
	}
	return nil
}

func (t *timeline) add(event *historypb.HistoryEvent) {
	at := event.GetEventTime().AsTime()
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		if t.currentTask = at; t.firstTask.IsZero() {
			t.firstTask = at
		}
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
		t.taskError = ""
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		if !isByTemporal(event) {
			t.taskError = "The worker cannot continue"
		}
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
		// Other timeouts are no error: Temporal first offers a task to the worker that has the workflow in its cache,
		// and if this worker has stopped, the task times out before its start.
		if event.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE {
			t.taskError = "The worker stopped responding"
		}
	case enumspb.EVENT_TYPE_MARKER_RECORDED:
		t.addMarker(event.GetMarkerRecordedEventAttributes(), at)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		var outcome picture.Outcome
		decode(event.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &outcome)
		if t.status = outcome.Status; t.status == "" {
			t.close("The workflow completed without a result", at)
		}
	default:
		if reason := endings[event.GetEventType()]; reason != "" {
			t.close(reason, at)
		}
		t.addActivity(event, at)
	}
}

var endings = map[enumspb.EventType]string{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:     "The workflow failed",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:  "The workflow timed out",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:   "The workflow was cancelled",
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "The workflow was terminated",
}

func (t *timeline) close(reason string, at time.Time) {
	step := t.current()
	step.Status, step.Error, step.WaitingFor, step.FinishedAt = picture.StepFailed, reason, "", at
	t.status = picture.Waiting
}

type localActivityData struct {
	ActivityType string
	Attempt      int
}

// The marker of a local activity contains JSON in an internal format of the SDK: see localActivityMarkerData in
// https://github.com/temporalio/sdk-go/blob/v1.50.0/internal/internal_event_handlers.go.
func localActivity(marker *historypb.MarkerRecordedEventAttributes) (data localActivityData) {
	decode(marker.GetDetails()["data"], &data)
	return data
}

func (t *timeline) addMarker(marker *historypb.MarkerRecordedEventAttributes, at time.Time) {
	data := localActivity(marker)
	step := t.step(data.ActivityType)
	if marker.GetMarkerName() != "LocalActivity" || step == nil {
		return
	}
	*step = picture.Step{
		Name: step.Name, Cloud: step.Cloud, Status: picture.StepDone,
		Attempt: data.Attempt, StartedAt: t.currentTask, FinishedAt: at,
	}
	if failure := marker.GetFailure(); failure != nil {
		step.Status = picture.StepFailed
		setError(step, failure)
	}
}

func (t *timeline) addActivity(event *historypb.HistoryEvent, at time.Time) {
	finish := func(scheduled int64, status picture.StepStatus, failure *failurepb.Failure) {
		if step := t.scheduled[scheduled]; step != nil {
			step.Status, step.FinishedAt = status, at
			setError(step, failure)
		}
	}
	switch event.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		if step := t.step(event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()); step != nil {
			*step = picture.Step{Name: step.Name, Cloud: step.Cloud, Status: picture.StepWaiting}
			t.scheduled[event.GetEventId()] = step
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		a := event.GetActivityTaskStartedEventAttributes()
		if step := t.scheduled[a.GetScheduledEventId()]; step != nil {
			step.Status, step.StartedAt, step.Attempt = picture.StepRunning, at, int(a.GetAttempt())
		}
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		finish(event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId(), picture.StepDone, nil)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := event.GetActivityTaskFailedEventAttributes()
		finish(a.GetScheduledEventId(), picture.StepFailed, a.GetFailure())
	}
}

// Only the response of DescribeWorkflowExecution contains the attempts of an unfinished activity.
func (t *timeline) applyPending(pending *workflowpb.PendingActivityInfo) {
	step := t.step(pending.GetActivityType().GetName())
	if step != nil && step.FinishedAt.IsZero() {
		applyTo(step, pending)
	}
}

func applyTo(step *picture.Step, pending *workflowpb.PendingActivityInfo) {
	setError(step, pending.GetLastFailure())
	step.StartedAt, step.NextAttemptAt = timeOf(pending.GetLastStartedTime()), timeOf(pending.GetNextAttemptScheduleTime())
	switch {
	case pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_PAUSED: // an attempt that runs may still succeed
		step.Status, step.Error, step.WaitingFor, step.NextAttemptAt = picture.StepPaused, "The operator has paused this step", "", time.Time{}
	case pending.GetAttempt() > 1:
		step.Status = picture.StepRetrying
	case pending.GetState() != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED:
		step.Status = picture.StepRunning
	default:
		return // the first attempt has not started
	}
	step.Attempt = int(pending.GetAttempt())
}

// A running local activity is not in the history, so its state is inferred from the workflow task.
func (t *timeline) inferLocalActivity(task *workflowpb.PendingWorkflowTaskInfo) {
	step := t.current()
	switch {
	case t.taskError != "":
		step.Status, step.Attempt, step.Error, step.WaitingFor = picture.StepRetrying, int(task.GetAttempt()), t.taskError, ""
	case step.Name == picture.PresignStep && step.Status == picture.StepWaiting && !t.firstTask.IsZero():
		step.Status, step.StartedAt = picture.StepRunning, t.firstTask
	case step.Name == picture.PersistStep && step.Status == picture.StepWaiting && task.GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_STARTED:
		step.Status, step.StartedAt = picture.StepRunning, t.currentTask
	}
}

// Without payloads, decode leaves `into` unchanged.
func decode(payloads *commonpb.Payloads, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(payloads, into)
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
