package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// Delay is the part of an activity's input that postpones a throttled write until NotBefore.
type Delay struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // as Cosmos DB requested; zero: no delay
}

func (d *Delay) DelayUntil(t time.Time) { d.NotBefore = t }

// The first attempt fails with NextRetryDelay. A later attempt finds its heartbeat: unlike the attempt number,
// heartbeats survive `temporal activity reset`.
func (d Delay) wait(ctx context.Context) error {
	left := time.Until(d.NotBefore)
	if left <= 0 || activity.HasHeartbeatDetails(ctx) {
		return nil
	}
	activity.RecordHeartbeat(ctx, d.NotBefore)
	return &picture.Error{Kind: picture.Throttled, Cloud: picture.Azure, RetryAfter: left, Message: "Cosmos DB has no request units left"}
}
