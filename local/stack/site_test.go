package stack

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
)

// behind starts the site's address in front of web.
func behind(t *testing.T, web http.HandlerFunc) *httptest.Server {
	t.Helper()
	backend := httptest.NewServer(web)
	t.Cleanup(backend.Close)
	site := httptest.NewServer(siteHandler(backend.Listener.Addr().String(), http.NotFoundHandler()))
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

func TestSite(t *testing.T) {
	t.Run("web_sees_what_the_browser_sent", func(t *testing.T) {
		seen := make(chan *http.Request, 1)
		site := behind(t, func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(func() []byte { b, _ := io.ReadAll(r.Body); return b }()))
			seen <- r
			w.WriteHeader(http.StatusCreated)
		})
		for _, method := range []string{"GET", "POST", "DELETE"} {
			header := map[string]string{"Host": "localhost:8080", "X-Triptych-Erase": "token", "Accept-Encoding": "br"}
			body := ""
			if method != "GET" {
				header["Origin"], body = "http://localhost:8080", "{}"
			}
			res := send(t, t.Context(), method, site.URL+"/api/%2e%2e/a%2fb?q=1;2&x=%zz", header, strings.NewReader(body))
			r := <-seen
			got, _ := io.ReadAll(r.Body)
			if res.StatusCode != http.StatusCreated || r.Method != method || r.Host != "localhost:8080" || string(got) != body ||
				r.Header.Get("Origin") != header["Origin"] || r.Header.Get("X-Triptych-Erase") != "token" || r.Header.Get("Accept-Encoding") != "br" {
				t.Errorf("%s: %d, web saw %s %s %v %q", method, res.StatusCode, r.Method, r.Host, r.Header, got)
			}
			if r.RequestURI != "/api/%2e%2e/a%2fb?q=1;2&x=%zz" {
				t.Errorf("web was asked for %s", r.RequestURI)
			}
			if r.Header.Get("X-Forwarded-For") != "" {
				t.Error("web is told of a proxy")
			}
		}
	})
	t.Run("an_event_is_passed_before_the_next_is_there", func(t *testing.T) {
		more := make(chan bool)
		site := behind(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 3 {
				io.WriteString(w, "data: x\n")
				http.NewResponseController(w).Flush()
				<-more
			}
		})
		lines := bufio.NewScanner(send(t, t.Context(), "GET", site.URL+"/", nil, nil).Body)
		for range 3 {
			if !lines.Scan() || lines.Text() != "data: x" {
				t.Fatalf("got %q, %v", lines.Text(), lines.Err())
			}
			more <- true
		}
	})
	t.Run("a_reader_who_leaves_ends_the_stream_at_web", func(t *testing.T) {
		left := make(chan bool)
		site := behind(t, func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(left)
		})
		ctx, leave := context.WithCancel(t.Context())
		send(t, ctx, "GET", site.URL+"/", nil, nil)
		leave()
		<-left
	})
	t.Run("a_large_answer_arrives_whole", func(t *testing.T) {
		large := bytes.Repeat([]byte("triptych"), 4<<20)
		site := behind(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(large) })
		got, err := io.ReadAll(send(t, t.Context(), "GET", site.URL+"/", nil, nil).Body)
		if err != nil || !bytes.Equal(got, large) {
			t.Errorf("%d bytes of %d arrived, %v", len(got), len(large), err)
		}
	})
	t.Run("while_web_is_started_again_it_is_503_with_Retry-After", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		site := httptest.NewServer(siteHandler(ln.Addr().String(), http.NotFoundHandler()))
		t.Cleanup(site.Close)
		res := send(t, t.Context(), "GET", site.URL+"/", nil, nil)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("answered %s %v", res.Status, res.Header)
		}
	})
}

// Real and foreign parts have no switch, and none is needed to say so.
func TestSwitchboard(t *testing.T) {
	const port = "8080"
	s := &Stack{config: Config{Real: []string{"google"}, Temporal: "temporal.example:7233"}, switches: newSwitches(), started: make(chan struct{})}
	server := httptest.NewServer(sameSite(port, s.switchboard(t.Context())))
	t.Cleanup(server.Close)
	t.Run("before_all_is_ready_it_is_503", func(t *testing.T) {
		if res := send(t, t.Context(), "GET", server.URL+"/local/faults", nil, nil); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("answered %s", res.Status)
		}
	})
	t.Run("the_page's_part_of_it_is_a_script_and_a_style_sheet", func(t *testing.T) {
		for file, want := range map[string]string{"plugs.js": "text/javascript", "plugs.css": "text/css"} {
			res := send(t, t.Context(), "GET", server.URL+"/local/"+file, nil, nil)
			if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(got, want) {
				t.Errorf("%s is answered %s as %q", file, res.Status, got)
			}
		}
	})
	close(s.started)
	const ours, jsonType = "http://127.0.0.1:" + port, "application/json"
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		names              string // part of the sentence
	}{
		"what_is_no_JSON_is_400":                 {body: "google", status: 400, names: "cloud"},
		"an_empty_body_is_400":                   {status: 400, names: "cloud"},
		"an_unknown_field_is_400":                {body: `{"cloud":"aws","fault":"down","times":1}`, status: 400, names: "times"},
		"more_than_one_is_400":                   {body: `{"cloud":"aws","fault":"down"}{}`, status: 400, names: "nothing else"},
		"too_much_is_400":                        {body: `{"cloud":"` + strings.Repeat("a", 2000) + `"}`, status: 400, names: "cloud"},
		"an_unknown_cloud_is_400":                {body: `{"cloud":"ibm","fault":"down"}`, status: 400, names: "aws, google, azure, temporal"},
		"an_unknown_fault_is_400":                {body: `{"cloud":"aws","fault":"broken"}`, status: 400, names: "none, down, slow, throttle"},
		"no_fault_is_400":                        {body: `{"cloud":"aws"}`, status: 400, names: "none, down, slow, throttle"},
		"Temporal_cannot_be_slow":                {body: `{"cloud":"temporal","fault":"slow"}`, status: 400, names: "none, down"},
		"a_real_cloud_is_400":                    {body: `{"cloud":"google","fault":"down"}`, status: 400, names: "-real"},
		"a_Temporal_of_someone_else_is_400":      {body: `{"cloud":"temporal","fault":"down"}`, status: 400, names: "-temporal"},
		"another_type_is_415":                    {body: `{"cloud":"ibm"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, names: jsonType},
		"no_type_is_415":                         {body: `{"cloud":"ibm"}`, header: map[string]string{"Content-Type": ""}, status: 415, names: jsonType},
		"a_foreign_Origin_is_403":                {header: map[string]string{"Origin": "http://evil.example"}, status: 403, names: "own page"},
		"an_unknown_Origin_is_403":               {header: map[string]string{"Origin": "null"}, status: 403, names: "own page"},
		"another_port_of_this_machine_is_403":    {header: map[string]string{"Origin": "http://127.0.0.1:9999"}, status: 403, names: "own page"},
		"a_name_that_was_pointed_here_is_403":    {method: "GET", header: map[string]string{"Host": "evil.example:" + port}, status: 403, names: "loopback"},
		"the_site's_own_Origin_is_heard":         {header: map[string]string{"Origin": ours}, status: 400, names: "cloud"},
		"the_site's_Origin_by_its_name_is_heard": {header: map[string]string{"Origin": "http://localhost:" + port, "Host": "localhost:" + port}, status: 400, names: "cloud"},
		"another_method_is_405":                  {method: "PUT", status: 405, names: "GET and POST"},
		"there_is_nothing_else_at_/local/":       {method: "GET", path: "/local/", status: 404, names: "/local/faults"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.method == "" {
				c.method = "POST"
			}
			if c.path == "" {
				c.path = "/local/faults"
			}
			header := map[string]string{"Content-Type": jsonType}
			for name, value := range c.header {
				header[name] = value
			}
			res := send(t, t.Context(), c.method, server.URL+c.path, header, strings.NewReader(c.body))
			said, _ := io.ReadAll(res.Body)
			if res.StatusCode != c.status || !strings.Contains(string(said), c.names) || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("answered %s %s, want %d and a word of %q", res.Status, said, c.status, c.names)
			}
			for cloud, fault := range s.switches.all() {
				if fault != "none" {
					t.Errorf("%s is %s", cloud, fault)
				}
			}
		})
	}
}
