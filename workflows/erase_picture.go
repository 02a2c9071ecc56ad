package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// ErasePicture first writes the tombstone, which prevents a new annotation. An upload grant cannot be revoked, so a
// browser can upload the picture again after ErasePicture has deleted it. ErasePicture therefore deletes the object
// once more after the grant has expired.
func ErasePicture(ctx workflow.Context, id picture.ID) error {
	ctx = defaultOptions(ctx)
	if err := execute(ctx, id, picture.WriteTombstoneActivity, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity); err != nil {
		return err
	}
	// Wait one minute longer than the upload grant is valid, because an upload may begin in the last second of the
	// grant.
	grantExpiry := id.CreatedAt().Add(picture.GrantTTL + time.Minute)
	if err := workflow.Sleep(ctx, max(0, grantExpiry.Sub(workflow.Now(ctx)))); err != nil {
		return err
	}
	return execute(ctx, id, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity)
}

// execute runs activities one after the other.
func execute(ctx workflow.Context, id picture.ID, activities ...string) error {
	for _, activity := range activities {
		if err := workflow.ExecuteActivity(ctx, activity, id).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}
