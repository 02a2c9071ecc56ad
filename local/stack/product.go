package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"triptych/local/gateway"
)

// startProduct does not start the trigger, because the Lambda emulator starts the trigger.
func (s *Stack) startProduct(ctx, running context.Context) error {
	readyFile := filepath.Join(s.config.Dir, "worker.ready")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("starting the worker: %w", err)
	}
	env, err := s.workerEnvironment()
	if err != nil {
		return err
	}
	s.spawn(running, "worker", "worker", s.Publish("worker", env), "-ready", readyFile)
	s.spawn(running, "web", "web", s.Publish("web", s.ProgramEnvironment("web")), "-addr", s.web)
	if err := s.await(ctx, "web", func() bool { return healthy(s.Endpoints.Site + "/healthz") }); err != nil {
		return err
	}
	return s.await(ctx, "worker", func() bool { _, err := os.Stat(readyFile); return err == nil })
}

func (s *Stack) gateway() *gateway.Gateway {
	return &gateway.Gateway{
		Web: s.web, TemporalUI: s.Endpoints.TemporalUI,
		Switches: s.faultSwitches(), Ready: s.ready, Redrive: s.Lambda.Redrive,
	}
}
