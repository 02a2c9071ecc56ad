package browser

import (
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testIncomplete(t *testing.T, h pagetest.Env) {
	const isVisible = `document.querySelector("#incomplete").checkVisibility({visibilityProperty: true})`
	const animation = `document.querySelector("#incomplete").getAnimations()[0]`

	pagetest.Parallel(t, "page_asks_for_a_reload_10_seconds_after_a_module_failed", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Intercept("*/text.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(503) })
		p.Do(chromedp.Navigate(p.Site))
		if pagetest.Evaluate[bool](p, isVisible) {
			t.Error("the page already asks for a reload")
		}
		if delay := pagetest.Evaluate[int](p, animation+`.effect.getTiming().delay`); delay != 10_000 {
			t.Errorf("the page asks for a reload after %d ms", delay)
		}
		pagetest.Evaluate[bool](p, animation+`.finish(), true`)
		if !pagetest.Evaluate[bool](p, isVisible) {
			t.Error("the page does not ask for a reload")
		}
		p.WaitText("#incomplete", "Reload it.")
		p.WaitText("#incomplete [lang=de]", "Lade sie neu.")
		p.Screenshot("incomplete")
	})
	pagetest.Parallel(t, "page_that_has_loaded_never_asks_for_a_reload", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("body.ready #agreement")
		if pagetest.Evaluate[bool](p, isVisible+` || Boolean(`+animation+`)`) {
			t.Error("the page asks for a reload")
		}
	})
}
