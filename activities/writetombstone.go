package activities

import (
	"context"
	"errors"

	"triptych/internal/records"
	"triptych/picture"
)

// WriteTombstone creates a tombstone, which replaces an existing Record. A tombstone is never replaced.
func (a *Activities) WriteTombstone(ctx context.Context, id picture.ID) error {
	return failure(a.writeTombstone(ctx, id))
}

func (a *Activities) writeTombstone(ctx context.Context, id picture.ID) error {
	err := a.Records.Create(ctx, picture.Tombstone(id))
	if !errors.Is(err, records.ErrExists) {
		return explainWrite(err)
	}
	existing, etag, err := a.Records.Read(ctx, id)
	if err == nil && existing.Status != picture.Erased {
		err = a.Records.Replace(ctx, picture.Tombstone(id), etag)
	}
	return explainWrite(err)
}
