package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"triptych/internal/records"
	"triptych/internal/status"
	"triptych/picture"
)

func (a *api) getProgress(w http.ResponseWriter, r *http.Request, l link) error {
	progress, err := a.progress(r.Context(), l, new(status.Execution))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, "application/json", progress)
}

// progress returns an error if Cosmos DB is unavailable and the workflow is not running.
func (a *api) progress(ctx context.Context, l link, latest *status.Execution) (progress picture.Progress, err error) {
	defer func() { progress.ID = l.id }()
	record, recordErr := a.record(ctx, l.picture)
	if recordErr == nil {
		return a.recorded(ctx, record, *latest), nil
	}
	execution, err := a.execution(ctx, l.picture, *latest)
	if err != nil {
		return picture.Progress{}, err
	}
	*latest = execution
	progress = execution.Progress(l.picture)
	if progress.Status == picture.Running {
		return progress, nil
	}
	if execution.Exists() && errors.Is(recordErr, records.ErrNotFound) {
		// The workflow may have written the Record and completed since the first read.
		if record, recordErr = a.record(ctx, l.picture); recordErr == nil {
			return a.recorded(ctx, record, *latest), nil
		}
	}
	if !errors.Is(recordErr, records.ErrNotFound) {
		return picture.Progress{}, recordErr
	}
	return progress, nil
}

func (a *api) execution(ctx context.Context, id picture.ID, latest status.Execution) (status.Execution, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	execution, err := status.Read(ctx, a.temporal, id.WorkflowID(), "", latest)
	if err != nil {
		return status.Execution{}, unavailable(2*time.Second, "Temporal does not answer, so the state of the picture is unknown", err)
	}
	return execution, nil
}

func (a *api) record(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	record, _, err := a.records.Read(ctx, id)
	if errors.Is(err, records.ErrUnreadable) { // no outage: the document stays unreadable until the operator repairs it
		return picture.Record{}, err
	}
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		return picture.Record{}, unavailable(2*time.Second, "Azure Cosmos DB does not answer, so the state of the picture is unknown", err)
	}
	return record, err
}

// hidden reports whether the page has promised that the picture is deleted by now. S3 and Cosmos DB delete it days later.
func (a *api) hidden(id picture.ID) bool {
	return a.retentionDays != nil && time.Since(id.CreatedAt()) > time.Duration(*a.retentionDays)*24*time.Hour
}

func (a *api) recorded(ctx context.Context, record picture.Record, latest status.Execution) picture.Progress {
	if record.Status != picture.Erased && a.hidden(record.ID) {
		return status.Execution{}.Progress(record.ID)
	}
	steps := picture.WaitingSteps()
	for i := range steps { // by name, because an old Record may have other steps
		if j := slices.IndexFunc(record.Steps, func(s picture.Step) bool { return s.Name == steps[i].Name }); j >= 0 {
			steps[i] = record.Steps[j]
		}
	}
	last := slices.Index(picture.StepOrder[:], picture.PersistStep)
	if persist := &steps[last]; record.Status != picture.Erased {
		persist.Status, persist.Error = picture.StepDone, "" // the Record exists, so persist has succeeded
		// Only Temporal knows how long the write took. The duration is missing if Temporal does not answer in time, and
		// after an hour, so that old links cause no calls to Temporal.
		if time.Since(persist.StartedAt) < time.Hour {
			ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			latest, _ = status.Read(ctx, a.temporal, record.ID.WorkflowID(), "", latest)
		}
		if write := latest.Progress(record.ID).Steps[last]; write.Status == picture.StepDone && latest.RunID() == record.RunID {
			persist.FinishedAt = persist.StartedAt.Add(write.FinishedAt.Sub(write.StartedAt))
		}
	}
	reference := record.ID
	record.ID, record.Bucket, record.Key, record.VersionID, record.ETag, record.RunID = "", "", "", "", "", "" // not for the public
	return picture.Progress{Reference: reference, Status: record.Status, Steps: steps, Record: &record}
}
