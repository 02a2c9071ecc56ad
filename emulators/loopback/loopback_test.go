package loopback_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"triptych/emulators/loopback"
)

func TestPrograms(t *testing.T) {
	server := httptest.NewServer(loopback.Programs(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		host, origin string
		want         int
	}{
		"a_program_is_served":                        {want: http.StatusOK},
		"a_page_is_refused":                          {origin: "http://evil.example", want: http.StatusForbidden},
		"a_page_of_unknown_origin_is_refused":        {origin: "null", want: http.StatusForbidden},
		"a_name_that_was_pointed_here_is_refused":    {host: "evil.example:80", want: http.StatusForbidden},
		"another_address_that_leads_here_is_refused": {host: "192.0.2.1:80", want: http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.host != "" {
				req.Host = c.host
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != c.want {
				t.Errorf("answered %d, want %d", res.StatusCode, c.want)
			}
		})
	}
}
