package runtimeapi

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestQueue(t *testing.T) {
	t.Run("payloads_of_waiting_events_are_not_in_memory", func(t *testing.T) {
		const events, size = 8, 5 << 20
		heap := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		check := func(t *testing.T, before uint64) {
			t.Helper()
			if after := heap(); after > before+events*size/2 {
				t.Errorf("the heap grew from %d to %d bytes", before, after)
			}
		}
		c := Config{Name: "echo", Bootstrap: bootstrap, Dir: t.TempDir()}
		h, err := New(c) // events wait until Run is called
		if err != nil {
			t.Fatal(err)
		}
		before := heap()
		payload := `"` + strings.Repeat("x", size) + `"`
		for range events {
			r := httptest.NewRequest("POST", "/2015-03-31/functions/echo/invocations", strings.NewReader(payload))
			r.Header.Set("X-Amz-Invocation-Type", "Event")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusAccepted {
				t.Fatalf("status %d, %s", w.Code, w.Body)
			}
		}
		check(t, before)
		if err := h.queue.db.Close(); err != nil {
			t.Fatal(err)
		}
		if h, err = New(c); err != nil {
			t.Fatal(err)
		}
		check(t, before)
		if err := h.queue.db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
