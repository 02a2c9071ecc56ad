package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of each activity that writes a Record. If Cosmos DB throttles the local activity,
// the workflow sets NotBefore for the regular activity.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

// DelayUntil sets NotBefore.
func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// wait fails the first attempt, so that Temporal starts the second attempt at NotBefore. Heartbeat details record the
// wait, because `temporal activity reset` sets the attempt number back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
