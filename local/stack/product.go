package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"triptych/local/gateway"
)

func (s *Stack) startWeb(ctx, running context.Context) error {
	s.spawn(running, "web", "web", s.Publish("web", s.ProgramEnvironment("web")), "-addr", s.web)
	if s.building.Load() == nil {
		return nil // startWorker awaits both
	}
	if err := s.awaitWeb(ctx); err != nil {
		return err
	}
	select {
	case <-s.serverBuilt:
	default:
		fmt.Fprintf(s.config.Output, "The site is open at %s. Temporal is still being built, which takes minutes the first time. Pictures wait until it is ready.\n", s.Endpoints.Site)
	}
	return nil
}

func (s *Stack) startWorker(ctx, running context.Context) error {
	readyFile := filepath.Join(s.config.Dir, "worker.ready")
	if err := os.Remove(readyFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("starting the worker: %w", err)
	}
	env, err := s.workerEnvironment()
	if err != nil {
		return err
	}
	s.spawn(running, "worker", "worker", s.Publish("worker", env), "-ready", readyFile)
	if s.building.Load() != nil { // a process that has tried to reach Temporal may wait 12 s before it tries again
		s.children["web"].Stop()
		s.children["web"].Start()
	}
	if err := s.await(ctx, "worker", func() bool { _, err := os.Stat(readyFile); return err == nil }); err != nil {
		return err
	}
	if err := s.await(ctx, "codec", func() bool { return listening(s.identity.addr("codec")) }); err != nil {
		return err
	}
	return s.awaitWeb(ctx)
}

func (s *Stack) awaitWeb(ctx context.Context) error {
	return s.await(ctx, "web", func() bool { return healthy(s.Endpoints.Site + "/healthz") })
}

func (s *Stack) gateway() *gateway.Gateway {
	return &gateway.Gateway{
		Web: s.web, TemporalUI: s.Endpoints.TemporalUI,
		Switches: s.faultSwitches(), Ready: s.ready, Building: s.building.Load, Redrive: s.Lambda.Redrive,
	}
}
