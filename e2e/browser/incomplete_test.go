package browser

import (
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testIncomplete(t *testing.T, h pagetest.Env) {
	const isVisible = `document.querySelector("#incomplete").checkVisibility({visibilityProperty: true})`
	const animation = `document.querySelector("#incomplete").getAnimations()[0]`

	pagetest.Parallel(t, "page_offers_a_reload_if_it_still_loads_after_10_seconds", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Intercept("*/text.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(503) })
		p.Do(chromedp.Navigate(p.Site))
		if pagetest.Evaluate[bool](p, isVisible) {
			t.Error("the page already offers a reload")
		}
		if delay := pagetest.Evaluate[int](p, animation+`.effect.getTiming().delay`); delay != 10_000 {
			t.Errorf("the page offers a reload after %d ms", delay)
		}
		pagetest.Evaluate[bool](p, animation+`.finish(), true`)
		if !pagetest.Evaluate[bool](p, isVisible) {
			t.Error("the page does not offer a reload")
		}
		p.WaitText("#incomplete", "Still loading. If nothing happens, reload this page.")
		p.WaitText("#incomplete [lang=de]", "Wenn nichts passiert, lade sie neu.")
		p.Screenshot("incomplete")
	})
	pagetest.Parallel(t, "result_that_fails_to_load_is_shown_after_the_offered_reload", func(t *testing.T) {
		p, isAvailable := visitWithout(t, h, "resultview.js")
		sendAndWaitForReload(p)
		isAvailable.Store(true)
		p.Click("#notice .primary")
		p.WaitVisible("#result")
	})
	pagetest.Parallel(t, "offer_to_reload_can_be_dismissed_and_gives_way_to_a_newer_notice", func(t *testing.T) {
		p, _ := visitWithout(t, h, "resultview.js")
		sendAndWaitForReload(p)
		p.Click("#notice [aria-label]")
		p.WaitUntil(`document.querySelector("#notice").hidden`)
		p.Click("#another")
		sendAndWaitForReload(p)
		p.Click("#erase-this", "#confirm-act")
		p.WaitText("#notice p", "Erased")
	})
	for module, use := range map[string]string{"card.js": "#save-card", "highlight.js": ".faces .entry"} {
		pagetest.Parallel(t, "failure_to_load_"+module+"_offers_a_reload", func(t *testing.T) {
			p, _ := visitWithout(t, h, module)
			p.Send()
			p.WaitVisible("#overlay polygon")
			p.Click(use)
			p.WaitText("#notice p", "did not load completely")
			p.WaitText("#notice .primary", "Reload")
		})
	}
	pagetest.Parallel(t, "page_that_has_loaded_offers_no_reload", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("body.ready #agreement")
		if pagetest.Evaluate[bool](p, isVisible+` || Boolean(`+animation+`)`) {
			t.Error("the page offers a reload")
		}
	})
}

// visitWithout opens a page that cannot load the module until isAvailable is set.
func visitWithout(t *testing.T, h pagetest.Env, module string) (p pagetest.Tab, isAvailable *atomic.Bool) {
	t.Helper()
	p, isAvailable = h.Visit(t), new(atomic.Bool)
	p.Intercept("*/"+module, fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		if isAvailable.Load() {
			request.Pass()
		} else {
			request.Reset()
		}
	})
	return p, isAvailable
}

func sendAndWaitForReload(p pagetest.Tab) {
	p.Helper()
	p.Choose(pagetest.Portrait)
	p.Click("#send")
	p.WaitText("#notice p", "did not load completely")
	p.WaitText("#notice .primary", "Reload")
}
