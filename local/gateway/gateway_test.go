package gateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func startSite(t *testing.T, web http.HandlerFunc) *httptest.Server {
	t.Helper()
	return startGateway(t, startWeb(t, web))
}

func startWeb(t *testing.T, web http.HandlerFunc) (address string) {
	t.Helper()
	backend := httptest.NewServer(web)
	t.Cleanup(backend.Close)
	return backend.Listener.Addr().String()
}

func startGateway(t *testing.T, web string, configure ...func(*Gateway)) *httptest.Server {
	t.Helper()
	gateway := &Gateway{Web: web}
	for _, f := range configure {
		f(gateway)
	}
	site := httptest.NewServer(gateway.Handler(t.Context()))
	t.Cleanup(site.Close)
	return site
}

func send(t *testing.T, ctx context.Context, method, url string, header map[string]string, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestGateway(t *testing.T) {
	t.Run("forwards_requests_unchanged", func(t *testing.T) {
		received := make(chan *http.Request, 1)
		site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			received <- r
			w.WriteHeader(http.StatusCreated)
		})
		for _, method := range []string{"GET", "POST", "DELETE"} {
			header := map[string]string{"Host": "localhost:8080", "X-Triptych-Erase": "token", "Accept-Encoding": "br"}
			body := ""
			if method != "GET" {
				header["Origin"], body = "http://localhost:8080", "{}"
				header[hashHeader] = hash(body)
			}
			res := send(t, t.Context(), method, site.URL+"/api/%2e%2e/a%2fb?q=1;2&x=%zz", header, strings.NewReader(body))
			r := <-received
			got, _ := io.ReadAll(r.Body)
			if res.StatusCode != http.StatusCreated || r.Method != method || r.Host != "localhost:8080" || string(got) != body ||
				r.Header.Get("Origin") != header["Origin"] || r.Header.Get("X-Triptych-Erase") != "token" || r.Header.Get("Accept-Encoding") != "br" {
				t.Errorf("%s: status %d, web received %s %s %v %q", method, res.StatusCode, r.Method, r.Host, r.Header, got)
			}
			if r.RequestURI != "/api/%2e%2e/a%2fb?q=1;2&x=%zz" {
				t.Errorf("web received the URI %s", r.RequestURI)
			}
			if got := r.Header.Get("X-Forwarded-For"); got != "" {
				t.Errorf("web received X-Forwarded-For: %s", got)
			}
		}
	})
	t.Run("forwards_each_event_immediately", func(t *testing.T) {
		next := make(chan bool)
		site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 3 {
				io.WriteString(w, "data: x\n")
				http.NewResponseController(w).Flush()
				<-next
			}
		})
		lines := bufio.NewScanner(send(t, t.Context(), "GET", site.URL+"/", nil, nil).Body)
		for range 3 {
			if !lines.Scan() || lines.Text() != "data: x" {
				t.Fatalf("got %q, %v", lines.Text(), lines.Err())
			}
			next <- true
		}
	})
	t.Run("ends_the_stream_at_web_when_the_client_disconnects", func(t *testing.T) {
		ended := make(chan bool)
		site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(ended)
		})
		ctx, disconnect := context.WithCancel(t.Context())
		send(t, ctx, "GET", site.URL+"/", nil, nil)
		disconnect()
		<-ended
	})
	t.Run("forwards_a_large_response_completely", func(t *testing.T) {
		large := bytes.Repeat([]byte("triptych"), 4<<20)
		site := startSite(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(large) })
		got, err := io.ReadAll(send(t, t.Context(), "GET", site.URL+"/", nil, nil).Body)
		if err != nil || !bytes.Equal(got, large) {
			t.Errorf("received %d bytes of %d, %v", len(got), len(large), err)
		}
	})
	for name, c := range map[string]struct {
		header map[string]string
		want   int
	}{
		"serves_a_program":                        {want: http.StatusOK},
		"serves_its_own_page":                     {map[string]string{"Host": "localhost:80", "Origin": "http://localhost:80"}, http.StatusOK},
		"refuses_a_page_of_another_site":          {map[string]string{"Origin": "http://evil.example"}, http.StatusForbidden},
		"refuses_a_page_that_rebound_a_host_name": {map[string]string{"Host": "evil.example:80", "Origin": "http://evil.example:80"}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(backend.Close)
			web := backend.Listener.Addr().String()
			for part, handler := range map[string]http.Handler{"site": (&Gateway{Web: web}).Handler(t.Context()), "Temporal UI": TemporalUI(web)} {
				server := httptest.NewServer(handler)
				t.Cleanup(server.Close)
				if res := send(t, t.Context(), "GET", server.URL+"/", c.header, nil); res.StatusCode != c.want {
					t.Errorf("%s: status %s, want %d", part, res.Status, c.want)
				}
			}
		})
	}
	t.Run("unavailable_part_says_what_to_do", func(t *testing.T) {
		notReady := func(build *Build) http.Handler {
			return (&Gateway{Building: func() *Build { return build }}).Handler(t.Context())
		}
		for want, handler := range map[string]http.Handler{
			"The site is starting: try again":                notReady(nil),
			"Temporal is still being built":                  notReady(&Build{}),
			"The site shows whether it is still being built": TemporalUI("127.0.0.1:1"),
		} {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			res := send(t, t.Context(), "GET", server.URL+"/local/faults", nil, nil)
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), want) {
				t.Errorf("status %s, %s, %v, want %q", res.Status, body, err, want)
			}
		}
	})
	t.Run("responds_503_with_Retry-After_while_web_restarts", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		site := startGateway(t, ln.Addr().String())
		res := send(t, t.Context(), "GET", site.URL+"/", nil, nil)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("status %s, header %v", res.Status, res.Header)
		}
	})
}

func TestPublishedFiles(t *testing.T) {
	const source, short = "export const answer = () => {\n\t// unknown\n\treturn 42;\n};\n", "export const answer=()=>42;\n"
	for name, c := range map[string]struct{ path, body, want string }{
		"script_is_minified":             {"/app.js", source, short},
		"script_with_an_error_is_served": {"/broken.js", "export const =", "export const ="},
		"response_of_the_API_is_kept":    {"/api/notice", source, source},
	} {
		t.Run(name, func(t *testing.T) {
			site := startSite(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.body) })
			for range 2 { // the second response comes from memory
				res := send(t, t.Context(), http.MethodGet, site.URL+c.path, nil, nil)
				body, err := io.ReadAll(res.Body)
				if err != nil || string(body) != c.want || res.ContentLength != int64(len(c.want)) {
					t.Errorf("%q, %d bytes, %v; want %q", body, res.ContentLength, err, c.want)
				}
			}
		})
	}
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "app.js", time.Time{}, strings.NewReader(source))
	})
	for name, c := range map[string]struct{ method, want string }{
		"HEAD_has_the_length_of_the_minified_file": {http.MethodHead, ""},
		"Range_returns_the_whole_minified_file":    {http.MethodGet, short},
	} {
		t.Run(name, func(t *testing.T) {
			res := send(t, t.Context(), c.method, site.URL+"/app.js", map[string]string{"Range": "bytes=0-20"}, nil)
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != http.StatusOK || string(body) != c.want || res.ContentLength != int64(len(short)) {
				t.Errorf("%s, %q, %d bytes, %v; want %q", res.Status, body, res.ContentLength, err, c.want)
			}
		})
	}
}
