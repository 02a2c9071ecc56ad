package main

import (
	"context"
	"encoding/json"
	"strings"

	"triptych/internal/check"
)

// isCheck reports whether an operator sent {"Event": "triptych:Check"}. S3 cannot send this event.
func isCheck(event json.RawMessage) bool {
	var e struct{ Event string }
	return json.Unmarshal(event, &e) == nil && e.Event == "triptych:Check"
}

// runChecks makes each call of the trigger once. It reads the settings again, because they may have changed.
func runChecks(ctx context.Context) []string {
	var out strings.Builder
	check.Program(ctx, &out, func(ctx context.Context) ([]check.Call, func(), error) {
		var fresh trigger
		temporal, err := fresh.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		return check.Temporal(temporal, fresh.namespace), temporal.Close, nil
	})
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}
