package activities

import (
	"context"

	"triptych/picture"
)

// DiscardInput is the input of discard.
type DiscardInput struct {
	picture.Picture
	Delay
}

// Discard replaces persist for a picture that its owner erased while the workflow was running. It writes the tombstone,
// in case the erasure has not done so yet, and deletes the object version that the workflow was started for.
func (a *Activities) Discard(ctx context.Context, in DiscardInput) (picture.Outcome, error) {
	if err := in.wait(ctx); err != nil {
		return picture.Outcome{}, failure(err)
	}
	if err := a.writeTombstone(ctx, in.ID); err != nil {
		return picture.Outcome{}, failure(err)
	}
	if err := a.deleteVersion(ctx, in.Bucket, in.Key, in.VersionID); err != nil {
		return picture.Outcome{}, failure(err)
	}
	return picture.Outcome{ID: in.ID, Status: picture.Erased}, nil
}
