package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheckRequest(t *testing.T) {
	t.Setenv("TRIPTYCH_SSM_PATH", "")
	t.Setenv("TRIPTYCH_BUCKET", "")
	for name, test := range map[string]struct {
		client, starts string
		status         int
	}{
		"operator_gets_the_report":               {"", "FAILED  settings: ", http.StatusOK},
		"request_through_CloudFront_is_no_check": {"203.0.113.7", `{"`, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := httptest.NewRequest(http.MethodGet, "/check", nil), httptest.NewRecorder()
			if test.client != "" {
				r.Header.Set("X-Triptych-Client", test.client)
			}
			new(lazyHandler).ServeHTTP(w, r)
			if w.Code != test.status || !strings.HasPrefix(w.Body.String(), test.starts) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
