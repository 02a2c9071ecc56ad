package stack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFaultSwitches(t *testing.T) {
	s := &Stack{
		config: Config{Addr: "127.0.0.1:8080", Real: []string{"google"}, Temporal: "temporal.example:7233"},
		ready:  make(chan struct{}),
	}
	gateway := s.gateway()
	server := httptest.NewServer(gateway.Handler(t.Context()))
	t.Cleanup(server.Close)
	send := func(t *testing.T, method, path, body string, header map[string]string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range header {
			req.Header.Set(name, value)
		}
		req.Host = header["Host"] // "" means the server's address
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}

	t.Run("requests_are_503_until_the_stack_is_ready", func(t *testing.T) {
		if res := send(t, "GET", "/local/faults", "", nil); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("status %s, header %v", res.Status, res.Header)
		}
	})
	t.Run("script_and_style_sheet_are_served", func(t *testing.T) {
		for file, want := range map[string]string{"plugs.js": "text/javascript", "start.js": "text/javascript", "plugs.css": "text/css"} {
			res := send(t, "GET", "/local/"+file, "", nil)
			if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(got, want) {
				t.Errorf("%s: status %s, type %q", file, res.Status, got)
			}
		}
	})
	close(s.ready)
	const site, jsonType = "http://127.0.0.1:8080", "application/json"
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		detail             string // a part of it
	}{
		"body_that_is_not_JSON_is_400":                   {body: "google", status: 400, detail: "cloud"},
		"empty_body_is_400":                              {status: 400, detail: "cloud"},
		"unknown_field_is_400":                           {body: `{"cloud":"aws","fault":"down","times":1}`, status: 400, detail: "times"},
		"second_object_in_body_is_400":                   {body: `{"cloud":"aws","fault":"down"}{}`, status: 400, detail: "nothing else"},
		"body_above_1_KB_is_400":                         {body: `{"cloud":"` + strings.Repeat("a", 2000) + `"}`, status: 400, detail: "cloud"},
		"unknown_cloud_is_400":                           {body: `{"cloud":"ibm","fault":"down"}`, status: 400, detail: "aws, google, azure, temporal"},
		"unknown_fault_is_400":                           {body: `{"cloud":"aws","fault":"broken"}`, status: 400, detail: "none, down, slow, throttle"},
		"missing_fault_is_400":                           {body: `{"cloud":"aws"}`, status: 400, detail: "none, down, slow, throttle"},
		"slow_Temporal_is_400":                           {body: `{"cloud":"temporal","fault":"slow"}`, status: 400, detail: "none, down"},
		"fault_of_a_real_cloud_is_400":                   {body: `{"cloud":"google","fault":"down"}`, status: 400, detail: "-real"},
		"fault_of_an_external_Temporal_is_400":           {body: `{"cloud":"temporal","fault":"down"}`, status: 400, detail: "-temporal"},
		"other_content_type_is_415":                      {body: `{"cloud":"ibm"}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, detail: jsonType},
		"missing_content_type_is_415":                    {body: `{"cloud":"ibm"}`, header: map[string]string{"Content-Type": ""}, status: 415, detail: jsonType},
		"foreign_Origin_is_403":                          {header: map[string]string{"Origin": "http://evil.example"}, status: 403, detail: "other sites"},
		"null_Origin_is_403":                             {header: map[string]string{"Origin": "null"}, status: 403, detail: "other sites"},
		"Origin_with_another_local_port_is_403":          {header: map[string]string{"Origin": "http://127.0.0.1:9999"}, status: 403, detail: "other sites"},
		"host_name_that_resolves_to_this_machine_is_403": {method: "GET", header: map[string]string{"Host": "evil.example:8080"}, status: 403, detail: "loopback"},
		"Origin_of_the_site_is_accepted":                 {header: map[string]string{"Origin": site, "Host": "127.0.0.1:8080"}, status: 400, detail: "cloud"},
		"page_of_the_site_with_a_foreign_Host_is_403":    {method: "GET", path: "/", header: map[string]string{"Host": "evil.example:8080"}, status: 403, detail: "loopback"},
		"page_of_the_site_with_a_foreign_Origin_is_403":  {path: "/api/pictures", header: map[string]string{"Origin": "http://evil.example"}, status: 403, detail: "other sites"},
		"Origin_of_the_site_as_localhost_is_accepted":    {header: map[string]string{"Origin": "http://localhost:8080", "Host": "localhost:8080"}, status: 400, detail: "cloud"},
		"PUT_is_405":                                     {method: "PUT", status: 405, detail: "GET and POST"},
		"other_path_below_local_is_404":                  {method: "GET", path: "/local/", status: 404, detail: "/local/faults"},
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
			res := send(t, c.method, c.path, c.body, header)
			problem, _ := io.ReadAll(res.Body)
			if res.StatusCode != c.status || !strings.Contains(string(problem), c.detail) || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("status %s, body %s, want %d and %q", res.Status, problem, c.status, c.detail)
			}
			for cloud, fault := range gateway.Switches.Current() {
				if fault != "none" {
					t.Errorf("%s has the fault %s", cloud, fault)
				}
			}
		})
	}
}
