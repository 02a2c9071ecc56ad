package main

import (
	"context"
	"encoding/json"
	"strings"

	"go.temporal.io/sdk/client"

	"triptych/internal/check"
)

// isCheck reports whether an operator sent {"Event": "triptych:Check"}. S3 cannot send this event.
func isCheck(event json.RawMessage) bool {
	var e struct{ Event string }
	return json.Unmarshal(event, &e) == nil && e.Event == "triptych:Check"
}

// runChecks makes each call of the trigger once. It reads the settings again, because they may have changed.
func runChecks(ctx context.Context) []string {
	var fresh trigger
	var temporal client.Client
	settings := check.Call{Name: "settings", Do: func(ctx context.Context) (err error) {
		temporal, err = fresh.connect(ctx)
		return err
	}}
	var out strings.Builder
	if check.Run(ctx, &out, settings) == 0 {
		defer temporal.Close()
		check.Run(ctx, &out, check.Temporal(temporal, fresh.namespace)...)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}
