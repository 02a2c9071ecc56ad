package main

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Run("cancelled_context_stops_it_without_error", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run(ctx, "127.0.0.1:0"); err != nil {
			t.Error(err)
		}
	})
	t.Run("address_in_use_is_an_error", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := run(t.Context(), ln.Addr().String()); err == nil {
			t.Error("run returned no error")
		}
	})
	t.Run("address_that_is_not_loopback_is_refused", func(t *testing.T) {
		if err := run(t.Context(), "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "not a loopback address") {
			t.Errorf("got %v", err)
		}
	})
}
