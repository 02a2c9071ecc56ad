package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/picture"
)

// ErasePicture removes a picture from all three clouds and from Temporal, at any moment of its run, and keeps it
// removed. The tombstone comes first: whatever is still under way finds it. An upload grant cannot be taken
// back, so what it may have brought meanwhile is deleted once it has expired.
func ErasePicture(ctx workflow.Context, id picture.ID) error {
	ctx = quick(ctx)
	for _, activity := range []string{picture.WriteTombstoneActivity, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity} {
		if err := workflow.ExecuteActivity(ctx, activity, id).Get(ctx, nil); err != nil {
			return err
		}
	}
	if err := workflow.Sleep(ctx, grantLeft(workflow.Now(ctx), id)); err != nil {
		return err
	}
	for _, activity := range []string{picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity} {
		if err := workflow.ExecuteActivity(ctx, activity, id).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// grantLeft is how long the picture's upload grant may still be used, with a minute to spare for an upload that
// began in its last second.
func grantLeft(now time.Time, id picture.ID) time.Duration {
	return max(0, id.CreatedAt().Add(picture.GrantTTL+time.Minute).Sub(now))
}
