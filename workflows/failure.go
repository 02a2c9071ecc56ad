package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

func kindOf(err error) picture.Kind {
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return picture.Kind(e.Type())
	}
	return ""
}

func rejection(step picture.StepName, err error) picture.Rejection {
	message := err.Error()
	if e, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		message = e.Message()
	}
	return picture.Rejection{Step: step, Kind: kindOf(err), Message: message}
}

func failedStep(ctx workflow.Context, name picture.StepName, started time.Time, err error) picture.Step {
	return picture.Step{
		Name: name, Cloud: name.Cloud(), Status: picture.StepFailed,
		StartedAt: started, FinishedAt: workflow.Now(ctx), Error: rejection(name, err).Message,
	}
}
