package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of an activity that writes a Record. If Cosmos DB throttles the local activity,
// Delay postpones the durable activity that follows (see localFirst in package `workflows`). After a throttled
// durable attempt, failure.go passes the requested delay to Temporal.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

// DelayUntil sets NotBefore.
func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// wait returns an error with NextRetryDelay if NotBefore is in the future, so that Temporal starts the next attempt
// at NotBefore. wait also sends a heartbeat, and an attempt that finds this heartbeat does not wait again. An
// operator can therefore skip the delay with `temporal activity reset`, which keeps the heartbeat.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
