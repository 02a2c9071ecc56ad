package journey

import (
	"net/http"
	"sync"
	"testing"

	"triptych/e2e/pagetest"
)

func testWindows(t *testing.T, w window) {
	t.Run("picture_erased_in_another_window_disappears", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		link := evaluate[string](w, `location.href`)
		first, _ := w.openWindow(link)
		w.waitVisible("#result", "#overlay polygon")
		w.click("#erase-this", "#confirm-act")
		w.waitText("#title", "was erased")
		w.switchTo(first)
		w.waitText("#title", "was erased")
		w.expectNoPicture()
	})
	t.Run("two_windows_can_send_at_the_same_time", func(t *testing.T) {
		w := w.visit(t)
		var both sync.WaitGroup
		both.Add(2)
		w.interceptPUT(func(http.ResponseWriter, *http.Request) bool {
			both.Done()
			both.Wait()
			return false
		})
		w.choose(pagetest.Portrait)
		first, second := w.openWindow(w.site)
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.switchTo(first)
		w.click("#send")
		for _, handle := range []string{first, second} {
			w.switchTo(handle)
			w.waitVisible(pagetest.AllDone, "#result")
			w.waitUntil(historyLength + ` === 2`)
		}
	})
	t.Run("upload_of_a_closed_window_is_offered_in_another", func(t *testing.T) {
		w := w.visit(t)
		puts := w.holdFirstPUT()
		first, _ := w.openWindow(w.site)
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.awaitCount(puts, 1)
		w.closeWindow()
		w.switchTo(first)
		w.click("#unsent .primary")
		w.waitVisible(pagetest.AllDone, "#result")
		w.waitUntil(historyLength + ` === 1`)
	})
}
