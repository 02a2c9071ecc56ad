package loopback_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"triptych/internal/loopback"
)

func TestServe(t *testing.T) {
	t.Run("open_request_is_completed_after_the_end_of_the_context", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			<-release
			io.WriteString(w, "done")
		})}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() {
			stopped <- loopback.Serve(ctx, ln, server)
			close(stopped)
		}()
		body := make(chan string, 1)
		go func() {
			res, err := http.Get("http://" + ln.Addr().String())
			if err != nil {
				body <- err.Error()
				return
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			body <- string(b)
		}()
		<-arrived
		cancel()
		for { // the listener closes before Shutdown waits for the request
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				break
			}
			conn.Close()
		}
		select {
		case err := <-stopped:
			t.Errorf("Serve returned before the response: %v", err)
		default:
		}
		close(release)
		if got := <-body; got != "done" {
			t.Errorf("the response is %q", got)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Run("failure_of_the_listener_is_returned", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		if err := loopback.Serve(t.Context(), ln, &http.Server{}); err == nil {
			t.Error("Serve succeeded with a closed listener")
		}
	})
}
