package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of an activity that writes a Record. A workflow first runs such an activity as a
// local activity; if Cosmos DB throttles it, Delay tells the regular activity that follows when it may write. If
// Cosmos DB throttles the regular activity too, failure.go passes the requested delay to Temporal.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

// DelayUntil sets NotBefore.
func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// wait fails the activity's first attempt, so that Temporal starts the next attempt at NotBefore. A heartbeat records
// that the activity has waited. The attempt number cannot record this, because `temporal activity reset` sets the
// number back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
