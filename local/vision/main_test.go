package main

import (
	"context"
	"net"
	"testing"
)

func TestRun(t *testing.T) {
	t.Run("a_signal_ends_it_without_error", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run(ctx, "127.0.0.1:0"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_taken_address_is_an_error", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := run(t.Context(), ln.Addr().String()); err == nil {
			t.Error("it ran")
		}
	})
}
