package status

import (
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"

	"triptych/picture"
)

// isByTemporal reports whether Temporal failed the workflow task, although the worker did nothing wrong: the workflow was reset, paused
// or closed, the namespace failed over, or an event such as a signal arrived while the worker executed the task.
func isByTemporal(failed *historypb.HistoryEvent) bool {
	switch failed.GetWorkflowTaskFailedEventAttributes().GetCause() {
	case enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
		enumspb.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND, enumspb.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND,
		enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_PAUSE_REQUESTED_BEFORE_TASK_STARTED:
		return true
	}
	return false
}

func setError(step *picture.Step, failure *failurepb.Failure) {
	failure = unwrap(failure)
	var details picture.FailureDetails
	decode(failure.GetApplicationFailureInfo().GetDetails(), &details)
	step.Error, step.WaitingFor = messageOf(failure), details.Cloud
}

// Anyone with the link can read the message, so errors of an unknown picture.Kind get a general message.
func messageOf(failure *failurepb.Failure) string {
	timeout := failure.GetTimeoutFailureInfo()
	switch {
	case timeout != nil:
		return "The worker stopped responding (" + timeout.GetTimeoutType().String() + " timeout)"
	case failure == nil || picture.Kind(failure.GetApplicationFailureInfo().GetType()).Known():
		return failure.GetMessage()
	}
	return "The worker had an unexpected error"
}

// unwrap returns the failure of an attempt that the failure of an activity contains.
func unwrap(failure *failurepb.Failure) *failurepb.Failure {
	for failure.GetActivityFailureInfo() != nil && failure.GetCause() != nil {
		failure = failure.GetCause()
	}
	return failure
}
