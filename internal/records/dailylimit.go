package records

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// DailyLimit limits the calls to Google per UTC day, for all workers together. A document in Cosmos DB counts calls before
// they are made, so a crash wastes some calls but never exceeds the limit.
type DailyLimit struct {
	Records *Container
	PerDay  int // 0 disables annotation
	mu      sync.Mutex
	day     string // of the block
	left    int    // calls left in the block

	reservation atomic.Pointer[reservation] // the last one that this worker has read or made
}

type reservation struct {
	day      string
	reserved int // by all workers
}

// MeasureRemaining registers the metric of today's annotations that no worker has reserved. Its value is unknown until
// this worker reads or makes a reservation of the day.
func (l *DailyLimit) MeasureRemaining() {
	telemetry.Gauge("triptych.annotations.remaining", "{annotation}", "annotations of this UTC day that no worker has reserved", func() (int64, bool) {
		r := l.reservation.Load()
		if r == nil || r.day != time.Now().UTC().Format(time.DateOnly) {
			return 0, false
		}
		return int64(l.PerDay - r.reserved), true
	})
}

// Take counts one call. It reads the clock after it has waited for other callers. After an error, do not make the call. If Google has
// not charged for the call, call `refund`.
func (l *DailyLimit) Take(ctx context.Context, clock func() time.Time) (refund func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock()
	day := now.UTC().Format(time.DateOnly)
	if day != l.day { // it is earlier if the clock was set back
		l.day, l.left = day, 0
	}
	for l.left == 0 {
		err := l.reserve(ctx)
		if err == nil && l.left == 0 {
			// A random delay of up to a minute spreads the calls after midnight.
			midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
			e := &picture.Error{Kind: picture.Throttled, Cloud: picture.Google, RetryAfter: midnight.Sub(now) + rand.N(time.Minute),
				Message: fmt.Sprintf("This site annotates at most %d pictures a day, so this one waits until 00:00 UTC", l.PerDay)}
			if l.PerDay == 0 {
				e.Message = "This site annotates no pictures at the moment"
			}
			return nil, e
		}
		if err != nil && !errors.Is(err, ErrExists) && !errors.Is(err, ErrChanged) {
			return nil, Explain(err)
		} // after these two, another worker was faster: reserve again
	}
	l.left--
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.day == day {
			l.left++
		}
	}, nil
}

func (l *DailyLimit) reserve(ctx context.Context) error {
	document := struct {
		ID       picture.ID `json:"id"`
		Reserved int        `json:"reserved"` // by all workers
	}{ID: picture.ID("annotations-" + l.day)}
	etag, err := l.Records.read(ctx, document.ID, &document)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	l.reservation.Store(&reservation{l.day, document.Reserved})
	block := min(max(1, l.PerDay/100), 1000, l.PerDay-document.Reserved) // 1000 last half a minute at Google's default quota
	if block <= 0 {
		return nil
	}
	document.Reserved += block
	if err = l.Records.write(ctx, document.ID, document, etag); err == nil {
		l.left = block
		l.reservation.Store(&reservation{l.day, document.Reserved})
		slog.Info("annotations reserved", "reserved", document.Reserved, "perDay", l.PerDay)
	}
	return err
}
