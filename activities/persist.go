package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/internal/records"
	"triptych/picture"
)

// PersistInput is a Record to keep. One that was kept before Again makes room for it.
type PersistInput struct {
	picture.Record
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
	// NotBefore is when Cosmos DB, asked for this Record already, said to come back.
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// Persist keeps the Record of a picture. The first Record wins: when one is there already, left by an
// attempt whose answer was lost or by an earlier run, that one's status is the outcome. Only a picture that was annotated
// again has its Record replaced. When its owner erased the picture meanwhile, the object is deleted too.
func (a *Activities) Persist(ctx context.Context, in PersistInput) (picture.Outcome, error) {
	// Whoever comes again comes in time, or was hurried by someone who knows better: the heartbeat tells.
	if early := time.Until(in.NotBefore); early > 0 && !activity.HasHeartbeatDetails(ctx) {
		activity.RecordHeartbeat(ctx, in.NotBefore)
		return picture.Outcome{}, failure(&picture.Error{Kind: picture.Throttled, RetryAfter: early,
			Message: "Cosmos DB is out of request units; the Record is written when it says"})
	}
	r := in.Record
	if r.Rejection != nil && r.Rejection.Kind == picture.WasErased {
		return a.bury(ctx, r)
	}
	step := done(ctx, picture.PersistStep, time.Now().UTC())
	step.FinishedAt = time.Time{} // the Record is written before this step ends
	r.Steps = append(r.Steps, step)
	err := a.Records.Create(ctx, r)
	if errors.Is(err, records.ErrExists) {
		return a.existing(ctx, r, in.ReannotateBefore)
	}
	if err != nil {
		return picture.Outcome{}, failure(explain(cosmosDB, err))
	}
	return picture.Outcome{ID: r.ID, Status: r.Status}, nil
}

func (a *Activities) existing(ctx context.Context, r picture.Record, again time.Time) (picture.Outcome, error) {
	kept, etag, err := a.Records.Read(ctx, r.ID)
	if errors.Is(err, records.ErrNotFound) {
		return picture.Outcome{}, failure(&picture.Error{Kind: picture.Unavailable,
			Message: "a Record was in the way and is gone now; it is written again", Err: err})
	}
	if err != nil {
		return picture.Outcome{}, failure(explain(cosmosDB, err))
	}
	if kept.OlderThan(again) {
		// What Google once saw in a picture is not thrown away because it cannot be seen again. It is only dated, so
		// that a sweep that repeats its page does not pay for the picture once more.
		if kept.Status == picture.Annotated && r.Status == picture.Rejected {
			kept.ReannotationRejectedAt = time.Now().UTC()
			r = kept
		}
		if err := a.Records.Replace(ctx, r, etag); err != nil {
			return picture.Outcome{}, cosmosFailure(err)
		}
		return picture.Outcome{ID: r.ID, Status: r.Status}, nil
	}
	if kept.Status == picture.Erased {
		if err := a.deleteVersion(ctx, r.Bucket, r.Key, r.VersionID); err != nil {
			return picture.Outcome{}, failure(err)
		}
	}
	return picture.Outcome{ID: r.ID, Status: kept.Status}, nil
}

// bury keeps no Record of a picture that was erased, whether its erasure has come to the tombstone yet or not.
func (a *Activities) bury(ctx context.Context, r picture.Record) (picture.Outcome, error) {
	if err := a.Bury(ctx, r.ID); err != nil {
		return picture.Outcome{}, err
	}
	if err := a.deleteVersion(ctx, r.Bucket, r.Key, r.VersionID); err != nil {
		return picture.Outcome{}, failure(err)
	}
	return picture.Outcome{ID: r.ID, Status: picture.Erased}, nil
}
