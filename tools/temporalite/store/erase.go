package store

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// markErased makes erase remove rows that the same batch deletes.
func markErased(b *pebble.Batch, deleted key) { put(b, append(erasures.key(), deleted...), row{}) }

// erase removes deleted workflow executions and histories from the files: Pebble only marks them as deleted until it happens to
// rewrite the file. It pauses for 20 times as long as it worked, so that it takes at most 5% of the time in a large database.
func (d *database) erase(ctx context.Context, logger *slog.Logger) {
	for pause := time.Second; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		start := time.Now()
		if err := d.compact(ctx); err != nil && ctx.Err() == nil {
			logger.Error("removing deleted workflows from the files", "error", err)
		}
		pause = max(time.Second, 20*time.Since(start))
	}
}

func (d *database) compact(ctx context.Context) error {
	var marks []key
	_, err := d.scan(erasures.key(), erasures.key().end(), page{}, func(k key, _ row) { marks = append(marks, slices.Clone(k)) })
	if err != nil || len(marks) == 0 {
		return err
	}
	if err := d.pebble.Compact(ctx, executions.key(), erasures.key().end(), false); err != nil {
		return err
	}
	return d.update(erasures.key(), func(b *pebble.Batch) error {
		for _, mark := range marks {
			_ = b.Delete(mark, nil)
		}
		return nil
	})
}
