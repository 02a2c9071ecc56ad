package uploads

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testOtherTabs(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "upload_works_when_the_browser_refuses_locks", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `LockManager.prototype.request = LockManager.prototype.query = async () => { throw new DOMException("", "SecurityError") }, true`)
		p.Send()
		p.Click("#another")
		p.WaitUntil(historyLength + ` === "1"`)
	})
	pagetest.Parallel(t, "upload_left_in_another_tab_is_offered_immediately", func(t *testing.T) {
		other, p, _ := visitBesideUpload(t, h)
		p.Click("#home")
		other.WaitVisible("#unsent img")
	})
	pagetest.Parallel(t, "picture_of_a_closed_tab_is_offered_when_the_page_becomes_visible", func(t *testing.T) {
		other, p, _ := visitBesideUpload(t, h)
		p.Close()
		other.WaitUntil(`navigator.locks.query().then(({held}) => { window.free = !held.length }), window.free`)
		pagetest.Evaluate[bool](other, `document.dispatchEvent(new Event("visibilitychange"))`)
		other.WaitVisible("#unsent img")
	})
	pagetest.Parallel(t, "hidden_tab_does_not_wait_for_the_lock_of_an_upload", func(t *testing.T) {
		other, _, _ := visitBesideUpload(t, h)
		become := func(visibility string) {
			pagetest.Evaluate[bool](other, `Object.defineProperty(document, "visibilityState", {value: "`+visibility+`", configurable: true}), document.dispatchEvent(new Event("visibilitychange"))`)
		}
		waiting := func(count int) {
			other.WaitUntil(fmt.Sprintf(`navigator.locks.query().then(({pending}) => { window.pending = pending.length }), window.pending === %d`, count))
		}
		waiting(2) // both tabs want to know when the upload ends
		become("hidden")
		waiting(1)
		become("visible")
		waiting(2)
	})
	pagetest.Parallel(t, "picture_erased_in_one_tab_disappears_from_other_tabs", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		other := h.OpenBeside(t, p)
		other.Do(chromedp.Navigate(pagetest.Evaluate[string](p, "location.href")))
		other.WaitVisible("#result", "#erase-this")
		third := h.OpenBeside(t, p)
		third.Do(chromedp.Navigate(p.Site))
		third.WaitVisible("#pictures img")
		p.Click("#erase-this", "#confirm-act")
		other.WaitText("#title", "was erased")
		if pagetest.Evaluate[bool](other, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the other tab still shows the erased picture")
		}
		third.Do(chromedp.WaitNotVisible("#pictures"))
	})
	pagetest.Parallel(t, "picture_found_erased_leaves_the_history", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		pagetest.Evaluate[bool](p, `Promise.all([import("./history.js"), import("./api.js")]).then(([{find}, {erase}]) => erase(find(() => true))).then(() => true)`)
		p.Do(chromedp.Reload())
		p.WaitText("#title", "was erased")
		p.Click("#another")
		p.WaitVisible("#start")
		p.WaitUntil(historyLength + ` === "0"`)
	})
}

// visitBesideUpload opens a tab beside another one, whose upload waits for release.
func visitBesideUpload(t *testing.T, h pagetest.Env) (p, uploading pagetest.Tab, release func()) {
	t.Helper()
	p = h.Visit(t)
	uploading = h.OpenBeside(t, p)
	uploading.Do(chromedp.Navigate(p.Site))
	sent, release := holdUploads(uploading, h)
	uploading.Choose(pagetest.Portrait)
	uploading.Click("#send")
	pagetest.Receive(uploading, sent)
	return p, uploading, release
}

func visitWaitingTab(t *testing.T, h pagetest.Env) (waiting, p pagetest.Tab, id string, release func()) {
	t.Helper()
	waiting, p, release = visitBesideUpload(t, h)
	id = pagetest.Evaluate[string](p, "location.hash.slice(1)")
	waiting.Do(chromedp.Navigate(p.Site + "/?#" + id))
	waiting.WaitText("#title", "Another tab is sending it")
	return waiting, p, id, release
}
