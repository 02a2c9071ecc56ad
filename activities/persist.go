package activities

import (
	"context"
	"errors"
	"time"

	"triptych/internal/records"
	"triptych/picture"
)

type PersistInput struct {
	picture.Record
	Delay
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"` // persist may replace a Record written before this time
}

// Persist creates the picture's Record, or replaces a Record older than in.ReannotateBefore. If it finds a tombstone,
// it deletes the S3 object instead.
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

func (a *Activities) resolve(ctx context.Context, r picture.Record, reannotateBefore time.Time) (picture.Outcome, error) {
	existing, etag, err := a.Records.Read(ctx, r.ID)
	switch {
	case err != nil:
		return picture.Outcome{}, explainWrite(err)
	case existing.Status == picture.Erased:
		err = a.deleteVersion(ctx, r.Bucket, r.Key, r.VersionID)
	case existing.OlderThan(reannotateBefore):
		// A rejection must not replace an annotation.
		if existing.Status == picture.Annotated && r.Status == picture.Rejected {
			existing.ReannotationRejectedAt = time.Now().UTC()
		} else {
			existing = r
		}
		err = explainWrite(a.Records.Replace(ctx, existing, etag))
	}
	return picture.Outcome{ID: r.ID, Status: existing.Status}, err
}
