package loopback_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"triptych/internal/loopback"
)

func TestGuards(t *testing.T) {
	const served, refused = http.StatusOK, http.StatusForbidden
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, c := range map[string]struct {
		host, origin         string
		programs, sameOrigin int
	}{
		"program_at_an_address":             {host: "127.0.0.1:80", programs: served, sameOrigin: served},
		"program_at_localhost":              {host: "localhost:80", programs: served, sameOrigin: served},
		"program_at_LOCALHOST":              {host: "LOCALHOST", programs: served, sameOrigin: served},
		"program_at_an_IPv6_address":        {host: "[::1]:80", programs: served, sameOrigin: served},
		"page_of_the_handler":               {host: "127.0.0.1:80", origin: "http://127.0.0.1:80", programs: refused, sameOrigin: served},
		"page_of_the_handler_at_localhost":  {host: "localhost:80", origin: "http://localhost:80", programs: refused, sameOrigin: served},
		"page_of_another_port":              {host: "127.0.0.1:80", origin: "http://127.0.0.1:81", programs: refused, sameOrigin: refused},
		"page_of_another_site":              {host: "127.0.0.1:80", origin: "http://evil.example", programs: refused, sameOrigin: refused},
		"page_with_the_origin_null":         {host: "127.0.0.1:80", origin: "null", programs: refused, sameOrigin: refused},
		"rebound_host_name":                 {host: "evil.example:80", programs: refused, sameOrigin: refused},
		"page_at_a_rebound_host_name":       {host: "evil.example:80", origin: "http://evil.example:80", programs: refused, sameOrigin: refused},
		"address_that_is_not_loopback":      {host: "192.0.2.1:80", programs: refused, sameOrigin: refused},
		"host_name_that_contains_localhost": {host: "localhost.evil.example:80", programs: refused, sameOrigin: refused},
	} {
		for _, guard := range []struct {
			name    string
			handler http.Handler
			want    int
		}{
			{"RefuseBrowsers", loopback.RefuseBrowsers(handler), c.programs},
			{"SameOrigin", loopback.SameOrigin(handler), c.sameOrigin},
		} {
			outcome := map[int]string{served: "serves", refused: "refuses"}[guard.want]
			t.Run(guard.name+"_"+outcome+"_"+name, func(t *testing.T) {
				req := httptest.NewRequest(http.MethodPost, "/", nil)
				req.Host = c.host
				if c.origin != "" {
					req.Header.Set("Origin", c.origin)
				}
				res := httptest.NewRecorder()
				guard.handler.ServeHTTP(res, req)
				if res.Code != guard.want {
					t.Errorf("status %d, want %d", res.Code, guard.want)
				}
			})
		}
	}
}
