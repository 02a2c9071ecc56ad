package activities

import (
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/picture"
)

// Do not wrap an error from `failure`, because Temporal reads the retry settings only from the outermost error.
func failure(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*picture.Error](err)
	if !ok {
		return temporal.NewApplicationErrorWithCause("An unexpected error occurred; Triptych tries again", "", picture.Cause(err))
	}
	options := temporal.ApplicationErrorOptions{
		NonRetryable: !e.Kind.Retries(), NextRetryDelay: e.RetryAfter, Details: []any{picture.FailureDetails{Cloud: e.Cloud}},
	}
	if e.Err != nil {
		options.Cause = picture.Cause(e.Err)
	}
	return temporal.NewApplicationErrorWithOptions(e.Sentence(), string(e.Kind), options)
}

// explainTemporal returns nil for NotFound, because a missing workflow needs neither termination nor deletion.
func explainTemporal(err error) error {
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return nil
	}
	return pipeline.Explain(err)
}

// If another writer changed the Record, the error is retryable, because the next attempt reads the new Record.
func explainWrite(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, records.ErrChanged), errors.Is(err, records.ErrNotFound):
		return &picture.Error{Kind: picture.Unavailable, Cloud: picture.Azure, Message: "The Record was changed concurrently", Err: err}
	default:
		return records.Explain(err)
	}
}
