package stack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"triptych/local/gateway"
)

func TestServe(t *testing.T) {
	t.Run("ends_a_request_whose_body_drips", func(t *testing.T) {
		t.Parallel()
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
		t.Cleanup(web.Close)
		site := serveForTest(t, (&gateway.Gateway{Web: web.Listener.Addr().String()}).Handler(t.Context()))
		conn, err := net.Dial("tcp", site)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		started := time.Now()
		fmt.Fprintf(conn, "POST /api/pictures HTTP/1.1\r\nHost: %s\r\nContent-Length: 4000\r\n\r\n", site)
		go func() {
			for range time.Tick(100 * time.Millisecond) {
				if _, err := conn.Write([]byte(" ")); err != nil {
					return
				}
			}
		}()
		conn.SetReadDeadline(started.Add(4 * requestTimeout))
		io.Copy(io.Discard, conn) // until the server closes the connection
		if took := time.Since(started); took > 2*requestTimeout {
			t.Errorf("the connection was open for %s", took)
		}
	})
	t.Run("does_not_limit_the_response_to_a_complete_body", func(t *testing.T) {
		t.Parallel()
		site := serveForTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
			case <-time.After(requestTimeout + 2*time.Second):
				w.WriteHeader(http.StatusCreated)
			}
		}))
		res, err := http.Post("http://"+site, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Errorf("status %s", res.Status)
		}
	})
}

func serveForTest(t *testing.T, handler http.Handler) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{}
	s.serve(s.newStage(), "test", ln, handler)
	t.Cleanup(s.Close)
	return ln.Addr().String()
}
