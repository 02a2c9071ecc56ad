package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of an activity that calls Cosmos DB. If Cosmos DB throttled the local activity,
// Delay postpones the durable activity (see localFirst in package workflows).
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

// DelayUntil sets NotBefore.
func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// wait fails the first attempt with NextRetryDelay, so that Temporal waits until NotBefore. An operator can skip this
// delay with `temporal activity reset`. A heartbeat marks that the delay was requested, because a reset sets the
// attempt number back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
