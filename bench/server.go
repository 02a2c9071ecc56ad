package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"triptych/internal/loopback"
	"triptych/local/stack"
	"triptych/local/supervisor"
	"triptych/picture"
)

type server struct {
	process  string // name of the child process
	addr     string
	database string // directory
	postgres int    // process ID of its PostgreSQL, or 0
}

const stockProcess = "temporal-stock"

// stockSettings are those that temporalite does not need.
var stockSettings = []string{
	"history.visibilityProcessorSchedulerWorkerCount=1",
	"history.visibilityProcessorMaxPollRPS=2",      // collects changes of the visibility store, which write most of SQLite's pages
	`frontend.httpAllowedHosts=["nobody.invalid"]`, // so that no web page can use the HTTP API
	"system.enableNexus=false",                     // whose HTTP endpoints ignore httpAllowedHosts
}

// temporalite returns the server of the local stack.
func (r *rig) temporalite() server {
	return server{process: serverProcess, addr: r.stack.Endpoints.Temporal, database: filepath.Join(r.stack.Dir(), "temporal")}
}

// stockServer returns the Temporal CLI's dev server, with the settings that the local stack gave it before it started
// temporalite. The first call starts the server.
func (r *rig) stockServer(ctx context.Context) (server, error) {
	if r.stock.addr != "" {
		return r.stock, nil
	}
	s := server{process: stockProcess, database: filepath.Join(r.stack.Dir(), stockProcess)}
	if err := os.MkdirAll(s.database, 0o700); err != nil {
		return s, fmt.Errorf("creating the directory of the stock server: %w", err)
	}
	fmt.Fprintln(r.progress, "building the Temporal CLI …")
	path, err := supervisor.BuildTool(ctx, "temporal", r.progress)
	if err != nil {
		return s, err
	}
	if s.addr, err = loopback.FreeAddr(); err != nil {
		return s, err
	}
	_, port, _ := net.SplitHostPort(s.addr)
	args := []string{
		"server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--db-filename", filepath.Join(s.database, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
		"--sqlite-pragma", "cache_size=-65536", "--sqlite-pragma", "wal_autocheckpoint=2500", "--sqlite-pragma", "secure_delete=on",
		"--search-attribute", picture.StatusAttribute + "=Keyword", "--search-attribute", picture.ReasonAttribute + "=Keyword",
	}
	for _, value := range slices.Concat(stack.DynamicConfig(), stockSettings) {
		args = append(args, "--dynamic-config-value", value)
	}
	// Temporalite sets GOGC=400 itself.
	r.stack.StartExecutable(s.process, path, []string{"GOGC=400"}, args...)
	r.stock = s
	return s, r.waitForServer(ctx, s)
}

// restartServer returns the time from the start of the process until the server is ready.
func (r *rig) restartServer(ctx context.Context, s server) (time.Duration, error) {
	start := r.stack.StopProgram(s.process)
	started := time.Now()
	start()
	err := r.waitForServer(ctx, s)
	return time.Since(started), err
}

func (r *rig) waitForServer(ctx context.Context, s server) error {
	return waitUntilReady(ctx, "the Temporal server "+s.process, func(ctx context.Context) error {
		if err := dial(s.addr); err != nil {
			return err // without this check, gRPC would wait a second or more after a failed connection
		}
		ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		c, err := client.NewLazyClient(client.Options{HostPort: s.addr, Logger: silentLogger})
		if err != nil {
			return err
		}
		defer c.Close()
		// The health check of the frontend succeeds before the history service is ready.
		_, err = c.DescribeWorkflowExecution(ctx, "no-such-workflow", "")
		if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
			return nil
		}
		return err
	})
}

func dial(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err
}
