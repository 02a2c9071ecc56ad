package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
)

const startTimeout = time.Minute

func (s *Stack) await(ctx context.Context, name string, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !ready() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not start within %s; see %s", name, startTimeout, s.children[name].Log())
		case err := <-s.failed:
			s.fail(err) // for Wait
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func (s *Stack) awaitClouds(ctx context.Context) error {
	if s.children["s3"] != nil {
		return s.await(ctx, "s3", func() bool { return healthy(s.Endpoints.S3 + "/healthz") })
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
		if !listening(s.Endpoints.Temporal) {
			return false // without this check, gRPC would wait a second or more after a failed connection
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err == nil
	})
}

func listening(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func healthy(url string) bool {
	res, err := (&http.Client{Timeout: 2 * time.Second}).Get(url)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
