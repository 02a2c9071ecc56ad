// Package journey tests what a person does with the page, in three engines.
package journey

import (
	"testing"

	"triptych/e2e/pagetest"
	"triptych/e2e/stacktest"
	"triptych/local/stack"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

func TestJourney(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.requirePrograms(t)
			s := stacktest.Start(t)
			proxy := startFaultProxy(t)
			w := window{t, e, e.start(t, proxy.Listener.Addr().String()), proxy, s.Endpoints.Site}
			w.command("SetWindowRect", map[string]any{"width": 1280, "height": 900}, nil)
			for _, subject := range []func(*testing.T, window, *stack.Stack){testPicture, testFiles, testPhotoPaths, testOutages, testUpload, testWindows, testErasure, testOffline} {
				subject(t, w, s)
			}
		})
	}
}
