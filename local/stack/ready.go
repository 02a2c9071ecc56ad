package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"log/slog"
)

// patience is how long a part may take to start before that is called a failure. It is far more than any needs.
const patience = time.Minute

// await returns once ready says so.
func (s *Stack) await(ctx context.Context, name string, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !ready() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not start within %s; see %s", name, patience, s.children[name].log())
		case err := <-s.failed:
			s.fail(err) // Wait is to know it too
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func (s *Stack) awaitClouds(ctx context.Context) error {
	if s.children["temporal"] != nil {
		if err := s.awaitTemporal(ctx); err != nil {
			return err
		}
	}
	if s.children["s3"] != nil {
		return s.await(ctx, "s3", func() bool { return answers(ctx, s.Endpoints.S3+"/healthz") })
	}
	return nil
}

func (s *Stack) awaitTemporal(ctx context.Context) error {
	c, err := s.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return s.await(ctx, "temporal", func() bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if !listens(s.Endpoints.Temporal) {
			return false // spares gRPC's own backoff
		}
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err == nil
	})
}

// Client talks to the stack's own Temporal.
func (s *Stack) Client() (client.Client, error) {
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.Endpoints.Temporal,
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, fmt.Errorf("making a Temporal client: %w", err)
	}
	return c, nil
}

func listens(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
