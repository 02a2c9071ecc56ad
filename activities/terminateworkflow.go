package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// TerminateWorkflow terminates the picture's workflow. It also succeeds if this workflow is not running.
func (a *Activities) TerminateWorkflow(ctx context.Context, id picture.ID) error {
	err := activity.GetClient(ctx).TerminateWorkflow(ctx, id.WorkflowID(), "", "The owner erased the picture")
	return failure(explainTemporal(err))
}
