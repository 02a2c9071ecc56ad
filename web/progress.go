package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"triptych/internal/records"
	"triptych/picture"
	"triptych/web/status"
)

func (a *api) getProgress(w http.ResponseWriter, r *http.Request, id picture.ID) error {
	progress, err := a.progress(r.Context(), id, new(status.Execution))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, "application/json", progress)
}

// progress returns the picture's progress from the Record or the workflow. If Cosmos DB is unavailable and the
// workflow is not running, progress returns an error.
func (a *api) progress(ctx context.Context, id picture.ID, latest *status.Execution) (picture.Progress, error) {
	record, recordErr := a.record(ctx, id)
	if recordErr == nil {
		return recorded(record), nil
	}
	execution, err := a.execution(ctx, id, *latest)
	if err != nil {
		return picture.Progress{}, err
	}
	*latest = execution
	progress := execution.Progress(id)
	if progress.Status == picture.Running {
		return progress, nil
	}
	if execution.Exists() && errors.Is(recordErr, records.ErrNotFound) {
		// Read the Record again, because the workflow may have written the Record and completed after the first read.
		if record, recordErr = a.record(ctx, id); recordErr == nil {
			return recorded(record), nil
		}
	}
	if !errors.Is(recordErr, records.ErrNotFound) {
		return picture.Progress{}, recordErr
	}
	return progress, nil
}

// execution returns the current state of the picture's workflow. If the history has not grown since `latest`,
// execution does not request the history again.
func (a *api) execution(ctx context.Context, id picture.ID, latest status.Execution) (status.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	execution, err := status.Read(ctx, a.temporal, id, latest)
	if err != nil {
		return status.Execution{}, unavailable(2*time.Second, "Temporal does not answer, so the state of the picture is unknown", err)
	}
	return execution, nil
}

// record returns the picture's Record. If the picture has no Record, the error is records.ErrNotFound. Every other
// error is a problem, which the site can send as its response.
func (a *api) record(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	record, _, err := a.records.Read(ctx, id)
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		return picture.Record{}, unavailable(2*time.Second, "Azure Cosmos DB does not answer, so the state of the picture is unknown", err)
	}
	return record, err
}

// recorded returns the progress of a picture that has a Record. The Record proves that persist is done.
func recorded(record picture.Record) picture.Progress {
	steps := picture.WaitingSteps()
	for i, step := range steps {
		if j := slices.IndexFunc(record.Steps, func(s picture.Step) bool { return s.Name == step.Name }); j >= 0 {
			steps[i] = record.Steps[j]
		}
		if step.Name == picture.PersistStep && record.Status != picture.Erased {
			steps[i].Status, steps[i].Error = picture.StepDone, ""
		}
	}
	return picture.Progress{ID: record.ID, Status: record.Status, Steps: steps, Record: &record}
}
