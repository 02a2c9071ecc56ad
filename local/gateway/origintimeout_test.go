package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// streaming responds with the body that write writes. Cancelling the request ends the body.
func streaming(write func(context.Context, io.Writer)) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		body, w := io.Pipe()
		context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
		go func() {
			write(r.Context(), w)
			w.CloseWithError(r.Context().Err()) // nil means io.EOF
		}()
		return &http.Response{Body: body}, nil
	}
}

func TestOriginTimeout(t *testing.T) {
	const limit = time.Minute
	silent := func(ctx context.Context, _ io.Writer) { <-ctx.Done() }
	for name, c := range map[string]struct {
		origin     roundTripper
		viewer     time.Duration // pause before each read
		body       string
		err        error
		after      time.Duration
		noResponse bool
	}{
		"silent_origin_is_cancelled": {origin: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, err: errOriginSilent, after: limit, noResponse: true},
		"response_that_arrives_after_the_limit_is_refused": {origin: func(r *http.Request) (*http.Response, error) {
			time.Sleep(limit + 1)
			return streaming(silent)(r)
		}, err: errOriginSilent, after: limit + 1, noResponse: true},
		"silent_stream_is_cut": {origin: streaming(func(ctx context.Context, w io.Writer) {
			io.WriteString(w, "a")
			<-ctx.Done()
		}), body: "a", err: context.Canceled, after: limit},
		"stream_that_sends_in_time_may_last_longer": {origin: streaming(func(_ context.Context, w io.Writer) {
			for _, s := range []string{"a", "b", "c"} {
				time.Sleep(limit - 1)
				io.WriteString(w, s)
			}
		}), body: "abc", after: 3 * (limit - 1)},
		"viewer_may_pause_longer_than_the_limit": {origin: streaming(func(_ context.Context, w io.Writer) {
			io.WriteString(w, "a")
			io.WriteString(w, "b")
		}), viewer: 2 * limit, body: "ab", after: 6 * limit}, // the third read is the end of the body
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r, err := http.NewRequestWithContext(t.Context(), "GET", "http://origin", nil)
				if err != nil {
					t.Fatal(err)
				}
				var body []byte
				res, err := originTimeout{c.origin, limit}.RoundTrip(r)
				if (res == nil) != c.noResponse {
					t.Fatalf("response %v, %v", res, err)
				}
				if res != nil {
					defer res.Body.Close()
					body, err = readSlowly(res.Body, c.viewer)
				}
				if string(body) != c.body || !errors.Is(err, c.err) || time.Since(began) != c.after {
					t.Errorf("received %q, %v after %s; want %q, %v after %s", body, err, time.Since(began), c.body, c.err, c.after)
				}
			})
		})
	}
}

func readSlowly(r io.Reader, pause time.Duration) (body []byte, err error) {
	for p := make([]byte, 1); ; {
		time.Sleep(pause)
		n, err := r.Read(p)
		body = append(body, p[:n]...)
		if errors.Is(err, io.EOF) {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
}

func TestOriginReadTimeout(t *testing.T) {
	t.Run("origin_without_a_response_is_504", func(t *testing.T) {
		ended := make(chan bool)
		web := startWeb(t, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(ended)
		})
		url := startGateway(t, web, func(g *Gateway) { g.readTimeout = 200 * time.Millisecond }).URL
		if status, body := request(t, "GET", url, nil, ""); status != http.StatusGatewayTimeout || !strings.Contains(body, "504 ERROR") {
			t.Errorf("status %d, %q", status, body)
		}
		<-ended
	})
}
