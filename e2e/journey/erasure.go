package journey

import (
	"net/http"
	"testing"
)

func testErasure(t *testing.T, w window) {
	t.Run("history_lists_opens_and_erases_pictures", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		first := evaluate[string](w, "location.hash")
		w.click("#another")
		w.send()
		w.click("#another")
		w.reload()
		w.waitVisible("#pictures li:nth-child(2) img")
		w.click(`#pictures a[href="` + first + `"]`)
		w.waitVisible("#result", "#overlay polygon")
		w.click("#erase-this", "#confirm-act")
		w.waitText("#title", "was erased")
		w.waitText("#notice p", "Erased")
		w.expectNoPicture()
		if status := evaluate[int](w, `fetch("/api/pictures/`+first[1:]+`/image").then(({status}) => status)`); status != http.StatusGone {
			t.Errorf("the erased image has status %d, want 410", status)
		}
		w.click("#another")
		w.waitUntil(historyLength + ` === 1`)
		w.click("#erase-all", "#confirm-act")
		w.waitUntil(`document.querySelector("#history").hidden`)
	})
	t.Run("forgotten_picture_leaves_the_history_and_stays_online", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		id := evaluate[string](w, "location.hash.slice(1)")
		w.click("#forget-this", "#confirm-act")
		w.waitVisible("#start")
		w.waitUntil(`document.querySelector("#history").hidden && location.hash === ""`)
		if status := evaluate[string](w, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "annotated" {
			t.Errorf("the forgotten picture has status %s, want annotated", status)
		}
	})
}

func (w window) expectNoPicture() {
	w.Helper()
	if evaluate[bool](w, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
		w.Error("the erased picture is still shown")
	}
}
