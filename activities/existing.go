package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"

	"triptych/internal/records"
	"triptych/picture"
)

// readTimeout limits the read of an existing Record before an annotation.
const readTimeout = 2 * time.Second

// existingRecord returns the picture's Record, or the zero Record if there is none. annotate calls it first, so that
// Google is not paid twice for a picture.
//
// If Cosmos DB is unavailable, existingRecord returns the zero Record, because persist will detect an existing Record. It
// returns a tombstone instead if the picture's erasure has started.
func (a *Activities) existingRecord(ctx context.Context, id picture.ID) (picture.Record, error) {
	record, err := a.readRecord(ctx, id)
	if err == nil || errors.Is(err, records.ErrNotFound) {
		return record, nil
	}
	if errors.Is(err, records.ErrUnreadable) {
		return picture.Record{}, records.Explain(err) // persist would fail too, after Google was paid
	}
	_, err = activity.GetClient(ctx).DescribeWorkflowExecution(ctx, id.EraseWorkflowID(), "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return picture.Record{}, nil
	}
	return picture.Tombstone(id), explainTemporal(err)
}

// readRecord returns after readTimeout at the latest. The read runs in a goroutine, because azcosmos does not always
// respect a deadline.
func (a *Activities) readRecord(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var record picture.Record
	var err error
	done := make(chan struct{})
	go func() {
		record, _, err = a.Records.Read(ctx, id)
		close(done)
	}()
	select {
	case <-done:
		return record, err
	case <-ctx.Done():
		return picture.Record{}, ctx.Err()
	}
}
