// Package status derives the progress of a picture from its workflow's description and history. It reads the history
// instead of sending a query, because a query needs a running worker and people look at the page when all workers are
// down. It changes nothing in Temporal and does not read Records.
package status

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/picture"
)

// Execution is a snapshot of a picture's workflow execution. The zero Execution stands for a workflow that was never
// started or is past retention.
type Execution struct {
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     []*historypb.HistoryEvent
}

// Read returns the latest execution of the picture's workflow. previous is the result of an earlier Read. If previous
// already contains the whole history, Read does not request the history again.
func Read(ctx context.Context, temporal client.Client, id picture.ID, previous Execution) (Execution, error) {
	description, err := temporal.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return Execution{}, nil
	}
	if err != nil {
		return Execution{}, fmt.Errorf("describing the workflow: %w", err)
	}
	info, known := description.GetWorkflowExecutionInfo(), previous.description.GetWorkflowExecutionInfo()
	if info.GetExecution().GetRunId() == known.GetExecution().GetRunId() && int64(len(previous.history)) >= info.GetHistoryLength() {
		return Execution{description, previous.history}, nil
	}
	e := Execution{description: description}
	events := temporal.GetWorkflowHistory(ctx, id.WorkflowID(), info.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return Execution{}, fmt.Errorf("reading the history: %w", err)
		}
		e.history = append(e.history, event)
	}
	return e, nil
}

// Exists reports whether Temporal has an execution of the picture's workflow.
func (e Execution) Exists() bool { return e.description != nil }

// Picture returns the picture that the workflow was started with.
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

// Progress returns the picture's status and steps. If a step was repeated, because Google needed the bytes, Progress
// reports only the last repetition. If the workflow closed without an outcome, the picture waits for a new execution,
// and the Error of the step at which the workflow ended states the reason.
func (e Execution) Progress(id picture.ID) picture.Progress {
	if !e.Exists() {
		return picture.Progress{ID: id, Status: picture.Waiting, Steps: picture.WaitingSteps()}
	}
	t := timeline{status: picture.Running, steps: picture.WaitingSteps(), scheduled: map[int64]*picture.Step{}}
	for _, event := range e.history {
		t.add(event)
	}
	if t.status == picture.Running { // The description was read before the history, so it may be outdated.
		for _, pending := range e.description.GetPendingActivities() {
			t.applyPending(pending)
		}
		t.inferLocalActivity(e.description.GetPendingWorkflowTask())
	}
	return picture.Progress{ID: id, Status: t.status, Steps: t.steps}
}
