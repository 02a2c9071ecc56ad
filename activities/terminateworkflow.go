package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// TerminateWorkflow also succeeds if the picture's workflow is not running.
func (a *Activities) TerminateWorkflow(ctx context.Context, id picture.ID) error {
	err := activity.GetClient(ctx).TerminateWorkflow(ctx, id.WorkflowID(), "", "The owner erased the picture")
	return failure(explainTemporal(err))
}
