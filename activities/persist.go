package activities

import (
	"context"
	"errors"
	"time"

	"triptych/internal/records"
	"triptych/picture"
)

// PersistInput is the input of persist.
type PersistInput struct {
	picture.Record
	Delay
	// ReannotateBefore allows persist to replace an older Record.
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
}

// DelayedUntil returns the input with NotBefore set.
func (in PersistInput) DelayedUntil(t time.Time) any {
	in.NotBefore = t
	return in
}

// Persist creates the Record of a picture. The first Record wins: if there is one, from an attempt whose response was lost
// or from an earlier workflow, its status is the outcome. Only a Record older than ReannotateBefore is replaced. If the
// owner erased the picture meanwhile, Persist deletes the object.
func (a *Activities) Persist(ctx context.Context, in PersistInput) (picture.Outcome, error) {
	if err := in.wait(ctx); err != nil {
		return picture.Outcome{}, failure(err)
	}
	r := in.Record
	step := doneStep(ctx, picture.PersistStep, time.Now().UTC())
	step.FinishedAt = time.Time{} // unknown before the Record is written
	r.Steps = append(r.Steps, step)
	err := a.Records.Create(ctx, r)
	if errors.Is(err, records.ErrExists) {
		outcome, err := a.resolve(ctx, r, in.ReannotateBefore)
		return outcome, failure(err)
	}
	if err != nil {
		return picture.Outcome{}, failure(records.Explain(err))
	}
	return picture.Outcome{ID: r.ID, Status: r.Status}, nil
}

// resolve returns the outcome if the picture already has a Record: it either keeps the existing Record or replaces it
// by r.
func (a *Activities) resolve(ctx context.Context, r picture.Record, reannotateBefore time.Time) (picture.Outcome, error) {
	existing, etag, err := a.Records.Read(ctx, r.ID)
	if err != nil {
		return picture.Outcome{}, explainWrite(err)
	}
	if existing.OlderThan(reannotateBefore) {
		// A rejection does not replace an annotation. Only the time of the rejection is recorded. A sweep that repeats
		// a page then does not select the picture again, so Google is not paid again.
		if existing.Status == picture.Annotated && r.Status == picture.Rejected {
			existing.ReannotationRejectedAt = time.Now().UTC()
			r = existing
		}
		if err := a.Records.Replace(ctx, r, etag); err != nil {
			return picture.Outcome{}, explainWrite(err)
		}
		return picture.Outcome{ID: r.ID, Status: r.Status}, nil
	}
	if existing.Status == picture.Erased {
		if err := a.deleteVersion(ctx, r.Bucket, r.Key, r.VersionID); err != nil {
			return picture.Outcome{}, err
		}
	}
	return picture.Outcome{ID: r.ID, Status: existing.Status}, nil
}
