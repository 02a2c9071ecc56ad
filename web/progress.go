package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"triptych/internal/records"
	"triptych/picture"
)

func (a *api) show(w http.ResponseWriter, r *http.Request) error {
	id, err := pictureID(r)
	if err != nil {
		return err
	}
	progress, err := a.progress(r.Context(), id, new(run))
	if err != nil {
		return err
	}
	send(w, http.StatusOK, "application/json", progress)
	return nil
}

// progress is what is known of the picture: its Record if there is one, else its run, else nothing yet. A
// cloud that does not answer is an error, unless the other one alone knows: an open run is a running
// picture, whatever Cosmos DB would say. seen is the run as it was seen last, and is brought up to date.
func (a *api) progress(ctx context.Context, id picture.ID, seen *run) (picture.Progress, error) {
	record, noRecord := a.record(ctx, id)
	if noRecord == nil {
		return recorded(record), nil
	}
	run, err := a.run(ctx, id, *seen)
	if err != nil {
		return picture.Progress{}, err
	}
	*seen = run
	progress := run.progress(id)
	if progress.Status == picture.Running {
		return progress, nil
	}
	if run.known() && errors.Is(noRecord, records.ErrNotFound) {
		// The run may have written the Record and ended between the two looks.
		if record, noRecord = a.record(ctx, id); noRecord == nil {
			return recorded(record), nil
		}
	}
	if !errors.Is(noRecord, records.ErrNotFound) {
		return picture.Progress{}, noRecord
	}
	return progress, nil
}

// record fails with records.ErrNotFound, or with a problem.
func (a *api) record(ctx context.Context, id picture.ID) (picture.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudPatience)
	defer cancel()
	record, _, err := a.records.Read(ctx, id)
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		return picture.Record{}, unavailable("Azure Cosmos DB", "it is not known how the picture stands", err)
	}
	return record, err
}

// recorded is the progress of a picture that has its Record, which proves that persist is done.
func recorded(record picture.Record) picture.Progress {
	steps := picture.WaitingSteps()
	for i, step := range steps {
		for _, known := range record.Steps {
			if known.Name == step.Name {
				steps[i] = known
			}
		}
		if step.Name == picture.Persist && record.Status != picture.Erased {
			steps[i].Status, steps[i].Error = picture.StepDone, ""
		}
	}
	return picture.Progress{ID: record.ID, Status: record.Status, Steps: steps, Record: &record}
}

// run is what Temporal knows of a picture; nothing, as long as no run was started or once it was forgotten.
type run struct {
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     []*historypb.HistoryEvent
}

func (r run) known() bool { return r.description != nil }

func (r run) progress(id picture.ID) picture.Progress {
	if !r.known() {
		return picture.Progress{ID: id, Status: picture.Waiting, Steps: picture.WaitingSteps()}
	}
	status, steps := follow(r.description, r.history)
	return picture.Progress{ID: id, Status: status, Steps: steps}
}

// has tells whether the history is still all there is: attempts and heartbeats only show in the description.
func (r run) has(description *workflowservice.DescribeWorkflowExecutionResponse) bool {
	info := description.GetWorkflowExecutionInfo()
	return r.known() && int64(len(r.history)) >= info.GetHistoryLength() &&
		r.description.GetWorkflowExecutionInfo().GetExecution().GetRunId() == info.GetExecution().GetRunId()
}

// run reads the history only if there is more of it than was seen before.
func (a *api) run(ctx context.Context, id picture.ID, seen run) (run, error) {
	ctx, cancel := context.WithTimeout(ctx, cloudPatience)
	defer cancel()
	description, err := a.runs.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return run{}, nil
	}
	if err != nil {
		return run{}, unavailable("Temporal", "it is not known how the picture stands", err)
	}
	if seen.has(description) {
		return run{description, seen.history}, nil
	}
	events := a.runs.GetWorkflowHistory(ctx, id.WorkflowID(), description.WorkflowExecutionInfo.Execution.RunId,
		false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	r := run{description: description}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return run{}, unavailable("Temporal", "it is not known how the picture stands", fmt.Errorf("reading the history: %w", err))
		}
		r.history = append(r.history, event)
	}
	return r, nil
}
