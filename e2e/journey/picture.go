package journey

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"triptych/e2e/pagetest"
)

func testPicture(t *testing.T, w window) {
	t.Run("chosen_file_passes_all_three_steps_and_shows_the_face", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		w.waitVisible("#image", "#overlay polygon", ".swatches li")
		w.waitText("#result", "joyful")
		w.click(`#toggles [name="faces"]`)
		w.waitUntil(`!document.querySelector("#overlay polygon")`)
	})
	t.Run("camera_picture_passes_all_three_steps", func(t *testing.T) {
		w := w.visit(t)
		w.click("#open-camera")
		w.waitVisible("#shoot")
		w.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		evaluate[bool](w, `Boolean(window.stream = document.querySelector("#preview").srcObject)`)
		w.click("#shoot")
		w.waitVisible("#review", "#image")
		if evaluate[bool](w, `stream.active`) {
			t.Error("the camera is still on")
		}
		w.waitUntil(pagetest.AcceptsSend)
		w.click("#send")
		w.waitVisible(pagetest.AllDone, "#result")
	})
	t.Run("rejected_picture_shows_a_reason_and_another_can_be_taken", func(t *testing.T) {
		w := w.visit(t)
		evaluate[bool](w, pagetest.UploadText)
		w.waitVisible(`#steps [data-step="annotate"][data-status="failed"]`, `#steps [data-step="persist"][data-status="done"]`)
		w.waitText("#title", "cannot be used")
		w.click("#another")
		w.waitVisible("#start")
		w.send()
	})
	t.Run("result_is_shown_again_after_reload_and_with_the_back_button", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		w.reload()
		w.waitVisible("#result", "#overlay polygon")
		w.click("#another")
		w.waitVisible("#start")
		w.back()
		w.waitVisible("#result", "#overlay polygon")
	})
	t.Run("image_that_fails_to_load_is_loaded_again", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		var reported atomic.Bool
		w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/image") || reported.Load() {
				return false
			}
			rw.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		w.reload()
		w.waitText("#lead", "could not be loaded")
		reported.Store(true)
		w.waitVisible("#image", "#overlay polygon")
	})
	t.Run("link_shows_picture_without_history_but_cannot_erase_it", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		link := evaluate[string](w, `location.href`)
		w = w.visit(t)
		w.navigate(link)
		w.waitVisible("#result", "#overlay polygon")
		if evaluate[bool](w, `document.querySelector("#erase-this").checkVisibility()`) {
			t.Error("the erase button is visible")
		}
	})
}
