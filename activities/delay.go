package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay tells an activity to wait until NotBefore, because Cosmos DB throttled the previous call.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// wait fails the first attempt with the delay as NextRetryDelay. The second attempt finds the first one's heartbeat and
// continues. The attempt number cannot show this, because `temporal activity reset` sets it to 1.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
