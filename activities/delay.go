package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of an activity that calls Cosmos DB. If Cosmos DB throttled the local activity, Delay
// makes the durable activity that follows it (see localFirst in package workflows) wait as long as Cosmos DB requested.
type Delay struct {
	// NotBefore is the earliest time at which Cosmos DB accepts a retry. It is zero if Cosmos DB requested no delay.
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// wait delays the activity until NotBefore: it fails the first attempt with NextRetryDelay. Temporal then does the
// waiting, so an operator can retry immediately with `temporal activity reset`. A heartbeat records that the activity
// has already waited. The attempt number cannot, because a reset sets it back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
