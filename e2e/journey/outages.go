package journey

import (
	"net/http"
	"strings"
	"testing"

	"triptych/e2e/pagetest"
)

func testOutages(t *testing.T, w window) {
	const retrying = `#steps [data-status="retrying"]`
	for _, c := range []struct{ cloud, step, reason string }{
		{"aws", "presign", "AWS"}, {"google", "annotate", "Cloud Vision"}, {"azure", "persist", "Cosmos DB"},
	} {
		t.Run("picture_waits_while_"+c.cloud+"_is_down_and_arrives_afterwards", func(t *testing.T) {
			w := w.visit(t)
			restore := w.inject("down", c.cloud)
			w.choose(pagetest.Portrait)
			w.click("#send")
			w.waitVisible(`#steps [data-step="` + c.step + `"][data-status="retrying"]`)
			w.waitText(`#steps [data-step="`+c.step+`"] .detail`, "Attempt ")
			w.waitVisible("#image")
			restore()
			w.waitVisible(pagetest.AllDone)
		})
		t.Run("reload_while_"+c.cloud+"_is_down_shows_the_reason_and_the_picture_arrives", func(t *testing.T) {
			w := w.visit(t)
			restore := w.inject("down", c.cloud)
			w.choose(pagetest.Portrait)
			w.click("#send")
			w.waitVisible(retrying)
			w.reload()
			w.waitText("#reason", c.reason)
			restore()
			w.waitVisible(pagetest.AllDone, "#image", "#overlay polygon")
			w.waitUntil(historyLength + ` === 1`)
		})
	}
	t.Run("page_reports_Temporal_outage_also_after_reload_and_continues_after_it", func(t *testing.T) {
		w := w.visit(t)
		restore := w.inject("down", "temporal")
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.waitText("#lead", "Temporal does not answer")
		w.reload()
		w.waitText("#lead", "Temporal does not answer")
		restore()
		w.waitVisible(pagetest.AllDone, "#overlay polygon")
	})
	t.Run("page_polls_without_event_stream", func(t *testing.T) {
		w := w.visit(t)
		w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/events") {
				return false
			}
			rw.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		w.send()
	})
}

func (w window) inject(fault, cloud string) (restore func()) {
	w.Helper()
	plug := `.plug[data-cloud="` + cloud + `"] [data-fault="` + fault + `"]`
	w.click(plug)
	w.waitVisible(plug + `[aria-pressed="true"]`)
	release := func() {
		w.Helper()
		w.click(plug)
		w.waitVisible(plug + `[aria-pressed="false"]`)
	}
	w.Cleanup(func() { // after a failure
		if evaluate[bool](w, `document.querySelector(`+pagetest.Quoted(plug)+`)?.ariaPressed === "true"`) {
			release()
		}
	})
	return release
}
