package main

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
)

// A cloud may need minutes until all its servers know a new permission or key. ECS ends a deployment after three
// workers that exit. startTimeout limits all waits of a start together, because ECS kills a worker that is not healthy
// after startPeriod and three failed health checks (terraform/worker.tf).
const startTimeout = 2 * time.Minute

// retryStart repeats the action until ctx ends.
func retryStart(ctx context.Context, retryable func(error) bool, action func() error) error {
	for pause := time.Second; ; pause = min(2*pause, 10*time.Second) {
		err := action()
		if err == nil || !retryable(err) {
			return err
		}
		slog.Warn("the worker cannot start yet; it retries until two minutes after its start", "error", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func refusedOrUnavailable(err error) bool {
	switch serviceerror.ToStatus(err).Code() {
	case codes.Unauthenticated, codes.PermissionDenied, codes.Unavailable, codes.DeadlineExceeded:
		return true
	}
	return false
}
