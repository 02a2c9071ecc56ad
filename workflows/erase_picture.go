package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// ErasePicture leaves only a tombstone, which prevents a new annotation. The deletions are repeated after the upload
// grant has expired, because until then a browser can upload the picture again.
func ErasePicture(ctx workflow.Context, id picture.ID) error {
	if err := execute(ctx, id, picture.WriteTombstoneActivity); err != nil {
		return err
	}
	deletions := []string{picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity}
	if err := execute(ctx, id, deletions...); err != nil {
		return err
	}
	// An upload may begin in the last second of the grant, so wait one minute longer.
	grantExpiry := id.CreatedAt().Add(picture.GrantTTL + time.Minute)
	if err := workflow.Sleep(ctx, max(0, grantExpiry.Sub(workflow.Now(ctx)))); err != nil {
		return err
	}
	return execute(ctx, id, deletions...)
}

func execute(ctx workflow.Context, id picture.ID, activities ...string) error {
	for _, activity := range activities {
		if err := workflow.ExecuteActivity(defaultOptions(ctx, activity), activity, id).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}
