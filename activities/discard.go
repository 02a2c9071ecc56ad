package activities

import (
	"context"

	"triptych/picture"
)

type DiscardInput struct {
	picture.Picture
	Delay
}

// Discard runs instead of Persist if the owner has erased the picture.
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
