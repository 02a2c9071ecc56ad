package stack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"triptych/local/gateway"
)

func TestServer(t *testing.T) {
	const timeout = 200 * time.Millisecond
	t.Run("request_whose_body_drips_is_408_after_the_timeout", func(t *testing.T) {
		site := startServer(t, new(gateway.Gateway).Handler(t.Context()), timeout)
		body, drip := io.Pipe()
		go func() {
			for range time.Tick(timeout / 20) {
				if _, err := drip.Write([]byte(" ")); err != nil {
					return // the client has received the response
				}
			}
		}()
		res, err := http.Post(site+"/api/pictures", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("status %s", res.Status)
		}
	})
	for name, body := range map[string]string{"to_a_request_without_a_body": "", "to_a_complete_body": "body"} {
		t.Run("response_may_take_longer_than_the_timeout_"+name, func(t *testing.T) {
			site := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				select {
				case <-r.Context().Done():
				case <-time.After(2 * timeout):
					w.WriteHeader(http.StatusCreated)
				}
			}), timeout)
			res, err := http.Post(site, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				t.Errorf("status %s", res.Status)
			}
		})
	}
}

func startServer(t *testing.T, handler http.Handler, timeout time.Duration) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(handler, timeout)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
