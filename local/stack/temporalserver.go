package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"triptych/local/gateway"
	"triptych/local/supervisor"
)

// startServer starts the Temporal server with args as soon as it is built, but compiles it only after the programs are
// built, so that the site opens earlier. The entry in s.children exists immediately, because awaitTemporal and the fault
// switches read it.
func (s *Stack) startServer(ctx context.Context, args []string) error {
	child := s.newChild("temporal", "", s.Environment(), args...)
	path, err := supervisor.FindServer(ctx)
	if err != nil {
		return err
	}
	if path == "" || s.config.HoldServer != nil {
		s.reportBuild(0, 0)
	}
	s.goTask(func() error {
		if s.building.Load() != nil {
			if path, err = s.buildServer(ctx); ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%w\nCheck the network connection and the free disk space, then start again: the build continues, and uploaded pictures wait in %s", err, s.config.Dir)
			}
		}
		child.SetPath(path)
		close(s.serverBuilt)
		return child.Run(ctx)
	})
	return nil
}

// checkTemporal opens only a TCP connection, because Temporal Cloud does not support health checks.
func (c Config) checkTemporal(ctx context.Context) error {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: c.Temporal}})
	if c.Temporal == "" || proxy != nil || err != nil { // the programs would connect through the proxy
		return nil
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", c.Temporal)
	if err != nil {
		return fmt.Errorf("-temporal %s does not answer: %w", c.Temporal, err)
	}
	return conn.Close()
}

func (s *Stack) buildServer(ctx context.Context) (path string, err error) {
	if s.config.HoldServer != nil {
		if err := s.config.HoldServer(ctx, s.reportBuild); err != nil {
			return "", err
		}
	}
	return supervisor.BuildServer(ctx, s.programsBuilt, s.reportBuild, s.config.Output)
}

func (s *Stack) reportBuild(compiled, packages int) {
	s.building.Store(&gateway.Build{Compiled: compiled, Packages: packages})
}

// awaitServer returns when the Temporal server, which may have to be built before, accepts requests.
func (s *Stack) awaitServer(ctx context.Context) error {
	select {
	case <-s.serverBuilt:
	case err := <-s.failed:
		s.fail(err) // for Wait
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.awaitTemporal(ctx)
}
