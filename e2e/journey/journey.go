// Package journey contains tests of what a person does with the page. e2e/chromium, e2e/firefox and e2e/webkitgtk run them.
package journey

import (
	"testing"

	"triptych/e2e/stacktest"
)

// Test runs all tests in one browser.
func Test(t *testing.T, b Browser) {
	b.requirePrograms(t)
	s := stacktest.Start(t)
	proxy := startFaultProxy(t)
	w := window{t, b, b.start(t, proxy.Listener.Addr().String()), proxy, s.Endpoints.Site, s.Endpoints.S3}
	w.command("SetWindowRect", map[string]any{"width": 1280, "height": 900}, nil)
	for _, subject := range []func(*testing.T, window){testPicture, testFiles, testPhotoPaths, testOutages, testUpload, testStoppedUpload, testWindows, testErasure, testOffline, testNewVersion} {
		subject(t, w)
	}
}
