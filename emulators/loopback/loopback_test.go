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
		"program_is_served":                       {want: http.StatusOK},
		"page_with_an_Origin_is_refused":          {origin: "http://evil.example", want: http.StatusForbidden},
		"page_with_the_origin_null_is_refused":    {origin: "null", want: http.StatusForbidden},
		"localhost_is_served":                     {host: "localhost:80", want: http.StatusOK},
		"other_host_name_is_refused":              {host: "evil.example:80", want: http.StatusForbidden},
		"address_that_is_not_loopback_is_refused": {host: "192.0.2.1:80", want: http.StatusForbidden},
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
				t.Errorf("status %d, want %d", res.StatusCode, c.want)
			}
		})
	}
}
