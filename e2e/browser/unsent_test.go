package browser

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

func testUnsent(t *testing.T, h pageEnv) {
	parallel(t, "reload_during_upload_continues_it", func(t *testing.T) {
		p := h.visit(t)
		sent, release := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		p.acceptDialogs()
		p.do(chromedp.Reload())
		receive(p, sent)
		p.waitVisible("#upload", "#image")
		if n := evaluate[string](p, historyLength); n != "0" {
			t.Errorf("the history has %s pictures before the upload, want none", n)
		}
		p.screenshot("resumed")
		release()
		p.waitVisible(allDone, "#overlay polygon")
		p.expectOnePicture()
	})
	parallel(t, "reload_after_upload_whose_response_is_lost_stores_no_second_picture", func(t *testing.T) {
		p := h.visitDeployedSite(t)
		var lost atomic.Bool
		var grants atomic.Int32
		puts := make(chan bool, 10)
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			switch {
			case r.Request.Method == "PUT" && lost.CompareAndSwap(false, true):
				puts <- true
			case r.Request.Method == "PUT":
				request.respondStatus(412)
				puts <- true
			case r.Request.Method == "OPTIONS":
				request.respondStatus(200)
			case r.Request.Method == "POST":
				grants.Add(1)
				request.pass()
			default:
				request.pass()
			}
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, puts)
		p.acceptDialogs()
		p.do(chromedp.Reload())
		receive(p, puts)
		p.waitUntil(historyLength + ` === "1"`)
		if n := grants.Load(); n != 1 {
			t.Errorf("%d grants, want 1", n)
		}
	})
	parallel(t, "picture_of_closed_tab_is_offered_and_can_be_sent", func(t *testing.T) {
		next := h.visit(t)
		p := h.openBeside(t, next)
		p.do(chromedp.Navigate(p.site))
		sent, _ := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		if evaluate[bool](next, `import("./history.js").then(({load}) => load()).then(({unsent}) => unsent.length > 0)`) {
			t.Error("a picture that another tab is uploading is offered")
		}
		if err := chromedp.Cancel(p.ctx); err != nil {
			t.Fatal(err)
		}
		next.do(chromedp.Navigate(next.site))
		next.waitVisible("#unsent img")
		next.screenshot("unsent")
		next.click("#unsent .primary")
		next.waitVisible(allDone, "#result")
		next.click("#another")
		next.waitVisible("#pictures img")
		if evaluate[bool](next, `document.querySelector("#unsent").checkVisibility()`) {
			t.Error("the sent picture is still listed as not sent")
		}
	})
	for name, comeBack := range map[string]func(tab){
		"the_list":        func(p tab) { p.click("#unsent .primary") },
		"the_back_button": func(p tab) { p.do(chromedp.NavigateBack()) },
	} {
		parallel(t, "upload_that_was_left_continues_from_"+name, func(t *testing.T) {
			p := h.visit(t)
			sent, release := p.holdUploads(h)
			p.choose(portrait)
			p.click("#send")
			receive(p, sent)
			p.click("#home")
			p.waitVisible("#unsent img")
			comeBack(p)
			receive(p, sent)
			release()
			p.waitVisible(allDone, "#result")
			p.expectOnePicture()
		})
	}
	parallel(t, "unsent_picture_can_be_discarded", func(t *testing.T) {
		p := h.visit(t)
		sent, _ := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		p.click("#home")
		p.waitVisible("#unsent img")
		p.click("#unsent button:not(.primary)", "#confirm-keep", "#unsent button:not(.primary)")
		p.waitText("#confirm-title", "Discard this picture?")
		p.click("#confirm-act")
		p.do(chromedp.WaitNotVisible("#unsent"))
		evaluate[bool](p, `(async () => {
			while (await `+storedEntries+` > 0) await new Promise(requestAnimationFrame);
			return true;
		})()`)
	})
	parallel(t, "upload_refused_for_today_can_be_sent_later", func(t *testing.T) {
		p := h.visit(t)
		var accepts atomic.Bool
		p.intercept("*/api/pictures", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) {
			if accepts.Load() {
				request.pass()
				return
			}
			request.respondStatus(403)
		})
		p.choose(portrait)
		p.click("#send")
		p.waitVisible("#review", "#notice")
		p.do(chromedp.Reload())
		p.waitVisible("#unsent img")
		accepts.Store(true)
		p.click("#unsent .primary")
		p.waitVisible(allDone, "#result")
		p.expectOnePicture()
	})
	parallel(t, "picture_erased_in_one_tab_disappears_from_other_tabs", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		other := h.openBeside(t, p)
		other.do(chromedp.Navigate(evaluate[string](p, "location.href")))
		other.waitVisible("#result", "#erase-this")
		third := h.openBeside(t, p)
		third.do(chromedp.Navigate(p.site))
		third.waitVisible("#pictures img")
		p.click("#erase-this", "#confirm-act")
		other.waitText("#title", "was erased")
		if evaluate[bool](other, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the other tab still shows the erased picture")
		}
		third.do(chromedp.WaitNotVisible("#pictures"))
	})
	parallel(t, "picture_found_erased_leaves_the_history", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `Promise.all([import("./history.js"), import("./api.js")]).then(([{find}, {erase}]) => erase(find(() => true))).then(() => true)`)
		p.do(chromedp.Reload())
		p.waitText("#title", "was erased")
		p.click("#another")
		p.waitVisible("#start")
		p.waitUntil(historyLength + ` === "0"`)
	})
}

// holdUploads reports each PUT on the channel and holds it until release is called.
func (p tab) holdUploads(h pageEnv) (sent <-chan bool, release func()) {
	p.Helper()
	puts, released := make(chan bool, 100), make(chan bool)
	p.intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
		if r.Request.Method == "PUT" {
			puts <- true
			select {
			case <-released:
			case <-p.ctx.Done():
			}
		}
		request.pass()
	})
	return puts, func() { close(released) }
}

// openBeside opens a tab that shares its storage with p.
func (h pageEnv) openBeside(t *testing.T, p tab) tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(h.chromium, chromedp.WithExistingBrowserContext(chromedp.FromContext(p.ctx).BrowserContextID))
	t.Cleanup(closeTab)
	timeout, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	beside := tab{t, timeout, p.site}
	beside.do(chromedp.EmulateViewport(1280, 800))
	return beside
}

// acceptDialogs lets the page be left during an upload.
func (p tab) acceptDialogs() {
	p.Helper()
	err := chromedp.Listen(p.ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (cdp.Empty, error) {
				return cdp.Call(ctx, t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			})
		}
	})
	if err != nil {
		p.Fatal(err)
	}
}
