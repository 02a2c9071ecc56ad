package local

import (
	"fmt"
	"net/http"
	"testing"

	"triptych/e2e/stacktest"
	"triptych/local/stack"
)

func TestCodec(t *testing.T) {
	own := stacktest.Start(t)
	shared := stacktest.Start(t, func(c *stack.Config) { c.Temporal = own.Endpoints.Temporal })
	for name, tt := range map[string]struct {
		s      *stack.Stack
		origin string
		status int
	}{
		"local_Temporal_UI_is_allowed":                         {own, own.Endpoints.TemporalUI, http.StatusNoContent},
		"Temporal_Cloud_UI_is_refused_with_the_local_Temporal": {own, "https://cloud.temporal.io", http.StatusForbidden},
		"Temporal_Cloud_UI_is_allowed_with_another_Temporal":   {shared, "https://cloud.temporal.io", http.StatusNoContent},
		"port_without_a_UI_is_refused_with_another_Temporal":   {shared, "http://localhost:" + port(t, shared, "temporalUI"), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://127.0.0.1:"+port(t, tt.s, "codec")+"/decode", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", tt.origin)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("status %s, want %d", res.Status, tt.status)
			}
		})
	}
}

func port(t *testing.T, s *stack.Stack, name string) string {
	t.Helper()
	return fmt.Sprint(identityPorts(t, s.Dir())[name])
}
