package main

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Run("a_signal_ends_it_without_error", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := run(ctx, "127.0.0.1:0", "pictures.example.com,192.0.2.1,2001:db8::1"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_taken_address_is_an_error", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if err := run(t.Context(), ln.Addr().String(), ""); err == nil {
			t.Error("it ran")
		}
	})
	t.Run("a_URL_is_no_host_to_fetch_from", func(t *testing.T) {
		for _, fetch := range []string{"http://localhost", "localhost:80", ",", "a b"} {
			if err := run(t.Context(), "127.0.0.1:0", fetch); err == nil || !strings.Contains(err.Error(), "host") {
				t.Errorf("%q: %v", fetch, err)
			}
		}
	})
}
