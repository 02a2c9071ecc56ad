package browser

import (
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testAgreement(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "agreement_is_required_before_first_picture_and_remembered", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		if pagetest.Evaluate[bool](p, `document.querySelector("#start").checkVisibility()`) {
			t.Error("a picture can be taken before the agreement")
		}
		if n := pagetest.Evaluate[int](p, `localStorage.length`); n != 0 {
			t.Errorf("localStorage has %d entries before the agreement", n)
		}
		p.Screenshot("notice")
		p.Click("#agree")
		p.WaitVisible("#open-camera")
		p.Do(chromedp.Reload())
		p.WaitVisible("#open-camera")
	})
	for name, c := range map[string]struct{ site, want string }{
		"unlimited_retention":  {h.Endpoints.Site, "deletes no picture by itself"},
		"retention_of_30_days": {h.DeployedURL, "deletes pictures after 30 days"},
	} {
		pagetest.Parallel(t, "agreement_states_"+name+"_without_layout_shift", func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, c.site)
			requests := make(chan pagetest.PausedRequest, 1)
			p.Intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { requests <- request })
			p.Do(chromedp.EmulateViewport(320, 640), chromedp.Navigate(p.Site))
			p.WaitVisible("#agreement")
			request := pagetest.Receive(p, requests)
			const place = `JSON.stringify(document.querySelector("#agree").getBoundingClientRect())`
			before := pagetest.Evaluate[string](p, place)
			request.Pass()
			p.WaitText("#retention", c.want)
			if after := pagetest.Evaluate[string](p, place); after != before {
				t.Errorf("the button moved from %s to %s", before, after)
			}
		})
	}
	pagetest.Parallel(t, "agreement_is_correct_when_retention_is_unknown", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(404) })
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		p.WaitText("#agreement", "until you erase it, or until this site deletes it")
		p.WaitText("#agreement", "Safari deletes that data after 7 days without a visit, a private window when you close it.")
		for _, company := range []string{"Amazon", "Google", "Microsoft", "Temporal"} {
			p.WaitText("#agreement", company)
		}
	})
	pagetest.Parallel(t, "picture_dropped_before_agreement_opens_after_it", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		dispatchFile(p, "drop", "image/png")
		p.WaitVisible("#notice")
		p.Click("#agree")
		p.WaitVisible("#review")
	})
	pagetest.Parallel(t, "focus_is_on_the_title_while_the_picture_dropped_before_agreement_is_read", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		pagetest.Evaluate[bool](p, `window.Worker = class { postMessage() {} terminate() {} }, true`) // never reads the file
		dispatchFile(p, "drop", "image/png")
		p.WaitVisible("#notice")
		p.Click("#agree")
		p.Do(chromedp.WaitNotVisible("#agreement"))
		expectFocusOnTitle(p)
	})
}
