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

// existingRecord returns the picture's Record, so that we do not pay for its annotation twice; the zero Record if there is
// none. If Cosmos DB is unavailable, the picture continues, because persist detects an existing Record. The exception is a
// picture whose erasure has started: existingRecord then returns a tombstone. Until the erasure completes, the upload
// grant could bring the object back, and afterwards there is no object to annotate.
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

// readRecord reads the Record within readTimeout. azcosmos does not always respect a deadline.
func (a *Activities) readRecord(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	type result struct {
		record picture.Record
		err    error
	}
	results := make(chan result, 1)
	go func() {
		record, _, err := a.Records.Read(ctx, id)
		results <- result{record, err}
	}()
	select {
	case r := <-results:
		return r.record, r.err
	case <-ctx.Done():
		return picture.Record{}, ctx.Err()
	}
}
