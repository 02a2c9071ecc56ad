package activities

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"

	"triptych/internal/records"
	"triptych/picture"
)

// kept is the picture's Record before Google is paid, the zero Record if there is none. When Cosmos DB cannot say, the
// picture goes on, for no cloud shall be down because another is: persist finds the Record. Only one that is being
// erased shall not be seen by Google once more, and of that Temporal knows too: until its erasure is over the object
// may come back by an upload grant, and afterwards there is nothing left to be shown.
func (a *Activities) kept(ctx context.Context, id picture.ID) (picture.Record, error) {
	record, err := a.look(ctx, id)
	if err == nil || errors.Is(err, records.ErrNotFound) {
		return record, nil
	}
	if errors.Is(err, records.ErrUnreadable) {
		return picture.Record{}, failure(explain(cosmosDB, err)) // persist would meet it too, after Google was paid
	}
	_, err = activity.GetClient(ctx).DescribeWorkflowExecution(ctx, id.EraseWorkflowID(), "")
	if _, never := errors.AsType[*serviceerror.NotFound](err); never {
		return picture.Record{}, nil
	}
	return picture.Tombstone(id), ignoreNotFound(err)
}

// look reads the Record within lookTimeout, whatever azcosmos makes of a deadline.
func (a *Activities) look(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	type answer struct {
		record picture.Record
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		record, _, err := a.Records.Read(ctx, id)
		answers <- answer{record, err}
	}()
	select {
	case got := <-answers:
		return got.record, got.err
	case <-ctx.Done():
		return picture.Record{}, ctx.Err()
	}
}
