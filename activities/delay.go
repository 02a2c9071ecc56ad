package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of each activity that writes a Record. The activity runs first as a local activity.
// If Cosmos DB throttles it, the workflow runs it as a regular activity with NotBefore.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// On the first attempt, wait records a heartbeat and returns an error, so that Temporal starts the next attempt at
// NotBefore. An attempt that finds this heartbeat continues. The attempt number cannot replace the heartbeat, because
// `temporal activity reset` sets the number back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
