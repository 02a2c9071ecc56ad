package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// kindOf returns the kind of an activity's failure, or "" if the failure has no kind.
func kindOf(err error) picture.Kind {
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return picture.Kind(e.Type())
	}
	return ""
}

// rejection returns the reason for a rejection, which is stored in the picture's Record.
func rejection(step picture.StepName, err error) picture.Rejection {
	message := err.Error()
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		message = e.Message()
	}
	return picture.Rejection{Step: step, Kind: kindOf(err), Message: message}
}

// failedStep returns the description of a failed step, which is stored in the picture's Record.
func failedStep(ctx workflow.Context, name picture.StepName, started time.Time, err error) picture.Step {
	return picture.Step{
		Name: name, Cloud: name.Cloud(), Status: picture.StepFailed,
		StartedAt: started, FinishedAt: workflow.Now(ctx), Error: rejection(name, err).Message,
	}
}
