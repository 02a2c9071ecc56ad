package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is embedded in the input of activities whose local attempt Cosmos DB may have throttled (429). workflows/local_first.go
// sets it.
type Delay struct {
	// NotBefore is when Cosmos DB asked us to retry; zero if it did not.
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// wait fails the first attempt with NextRetryDelay, so that Temporal waits until NotBefore and `temporal activity reset`
// retries immediately. The heartbeat records that the activity has already waited. The attempt number cannot, because a
// reset sets it back to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
