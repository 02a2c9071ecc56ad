package uploads

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testErasureAfterCancel(t *testing.T, h pagetest.Env) {
	for name, c := range map[string]struct{ timers, event string }{
		"after_a_pause":            {timers: `wait(then, ms / 100)`},
		"when_online":              {timers: `ms < 30_000 && wait(then, ms / 100)`, event: `dispatchEvent(new Event("online"))`},
		"when_the_page_is_visible": {timers: `ms < 30_000 && wait(then, ms / 100)`, event: `document.dispatchEvent(new Event("visibilitychange"))`},
	} {
		pagetest.Parallel(t, "failed_erasure_of_cancelled_picture_continues_"+name, func(t *testing.T) {
			p := h.Visit(t)
			pagetest.Evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => `+c.timers+`)(setTimeout), true`)
			succeeds := cancelWithErasureStatus(p, 503)
			p.WaitText("#notice p", "The erasure continues when")
			succeeds.Store(true)
			if c.event != "" {
				pagetest.Evaluate[bool](p, c.event)
			}
			p.WaitText("#notice p", "Erased")
			waitUntilStored(p, 0)
		})
	}
	pagetest.Parallel(t, "cancelled_picture_whose_erasure_is_refused_can_be_erased_later", func(t *testing.T) {
		p := h.Visit(t)
		succeeds := cancelWithErasureStatus(p, 400)
		p.WaitText("#notice p", "answered 400")
		p.Do(chromedp.Navigate(p.Site+"/?"), chromedp.WaitVisible("#pictures button:enabled"))
		succeeds.Store(true)
		p.Click("#erase-all", "#confirm-act")
		p.WaitText("#notice p", "Erased")
		waitUntilStored(p, 0)
	})
	pagetest.Parallel(t, "cancelled_picture_that_waits_for_its_erasure_leaves_no_preview", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => ms < 30_000 && wait(then, ms / 100))(setTimeout), true`)
		cancelWithErasureStatus(p, 503)
		p.WaitText("#notice p", "The erasure continues when")
		const keys = `idb.openDB("triptych", 1).then((db) => db.getAll("pictures").finally(() => db.close())).then((entries) => entries.map((entry) => Object.keys(entry).filter((key) => entry[key]).sort().join()))`
		if stored := pagetest.Evaluate[[]string](p, keys); !slices.Equal(stored, []string{"erasing,id,key,taken,token"}) {
			t.Errorf("IndexedDB has entries with %q", stored)
		}
	})
	pagetest.Parallel(t, "cancelled_picture_that_does_not_exist_leaves_no_entry", func(t *testing.T) {
		p := h.Visit(t)
		cancelWithErasureStatus(p, 404)
		waitUntilStored(p, 0)
	})
}

// holdErasures returns the requests to erase a picture, which wait for Pass.
func holdErasures(p pagetest.Tab) <-chan pagetest.PausedRequest {
	p.Helper()
	deletes := make(chan pagetest.PausedRequest, 10)
	p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		if r.Request.Method == "DELETE" {
			deletes <- request
			return
		}
		request.Pass()
	})
	return deletes
}

func cancelWithErasureStatus(p pagetest.Tab, status int64) (succeeds *atomic.Bool) {
	p.Helper()
	succeeds = new(atomic.Bool)
	sent := make(chan bool, 1)
	p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		switch {
		case r.Request.Method == "PUT":
			sent <- true
		case r.Request.Method == "DELETE" && !succeeds.Load():
			request.RespondStatus(status)
		default:
			request.Pass()
		}
	})
	p.Choose(pagetest.Portrait)
	p.Click("#send")
	pagetest.Receive(p, sent)
	p.Click("#cancel")
	p.WaitVisible("#review")
	return succeeds
}
