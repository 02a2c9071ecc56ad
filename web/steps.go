package main

import (
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"triptych/picture"
)

// follow tells how far a run has come from Temporal's description of it and its history, and from
// nothing else. The history may be newer than the description. A step that was taken again (Google
// wanted the bytes) is told as it was taken last.
//
// A run that ended without an outcome leaves a picture that waits to be started again; the step it ended
// in has failed and says why.
func follow(description *workflowservice.DescribeWorkflowExecutionResponse, history []*historypb.HistoryEvent) (picture.Status, []picture.Step) {
	t := newTrail()
	for _, event := range history {
		t.add(event)
	}
	switch {
	case t.outcome.Status != "":
		return t.outcome.Status, t.steps
	case t.ending != "":
		step := t.next()
		step.Status, step.Error, step.FinishedAt = picture.StepFailed, t.ending, t.endedAt
		return picture.Waiting, t.steps
	}
	for _, pending := range description.GetPendingActivities() {
		t.pend(pending)
	}
	t.decide(description.GetPendingWorkflowTask())
	return picture.Running, t.steps
}
