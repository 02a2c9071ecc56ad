package browser

import (
	"context"
	"slices"
	"strconv"
	"strings"
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
		p.waitText("#confirm-text", "Anything that has arrived is erased too.")
		p.click("#confirm-act")
		p.do(chromedp.WaitNotVisible("#unsent"))
		p.waitUntilStored(0)
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
	parallel(t, "tab_that_takes_over_an_upload_uses_the_latest_grant", func(t *testing.T) {
		other := h.visit(t)
		p := h.openBeside(t, other)
		p.do(chromedp.Navigate(p.site))
		puts, statuses := make(chan bool), make(chan int64)
		p.intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method != "PUT" {
				request.pass()
				return
			}
			puts <- true
			select {
			case status := <-statuses:
				request.respondStatus(status)
			case <-p.ctx.Done():
			}
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, puts)
		first := evaluate[string](p, "location.hash")
		other.do(chromedp.Navigate(p.site + "/?" + first))
		other.waitText("#title", "Another tab is sending it")
		other.screenshot("waiting-tab")
		statuses <- 403
		receive(p, puts)
		second := evaluate[string](p, "location.hash")
		if err := chromedp.Cancel(p.ctx); err != nil {
			t.Fatal(err)
		}
		other.waitVisible(allDone, "#result")
		if opened := evaluate[string](other, "location.hash"); opened != second || second == first {
			t.Errorf("the page shows %s after the grants %s and %s", opened, first, second)
		}
		other.expectOnePicture()
	})
	parallel(t, "tab_that_waited_for_an_upload_shows_its_result", func(t *testing.T) {
		other, p, _, release := h.visitWaitingTab(t)
		release()
		p.waitVisible(allDone)
		other.waitVisible(allDone, "#result")
		other.expectOnePicture()
	})
	parallel(t, "cancel_in_a_waiting_tab_stops_and_erases_the_upload_of_the_other_tab", func(t *testing.T) {
		other, p, id, _ := h.visitWaitingTab(t)
		other.click("#cancel")
		other.waitText("#notice p", "Cancelled")
		p.waitText("#title", "was erased")
		if status := evaluate[string](p, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "erased" {
			t.Errorf("status is %s, want erased", status)
		}
		p.waitUntilStored(0)
	})
	parallel(t, "upload_without_a_grant_that_another_tab_removes_returns_to_the_start", func(t *testing.T) {
		p := h.visit(t)
		other := h.openBeside(t, p)
		other.do(chromedp.Navigate(p.site))
		posts := make(chan bool, 1)
		p.intercept("*/api/pictures", fetch.RequestStageRequest, func(*fetch.EventRequestPaused, pausedRequest) { posts <- true })
		p.choose(portrait)
		p.click("#send")
		receive(p, posts)
		evaluate[bool](other, `import("./history.js").then(async ({load, find, remove}) => (await load(), remove(find(() => true).key), true))`)
		p.waitVisible("#start")
		p.waitUntil(`document.activeElement.id === "title"`)
		p.waitUntilStored(0)
	})
	parallel(t, "refused_grant_whose_picture_is_erased_is_replaced", func(t *testing.T) {
		p := h.visit(t)
		var grants, puts atomic.Int32
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			switch {
			case r.Request.Method == "POST":
				grants.Add(1)
				request.pass()
			case r.Request.Method == "PUT" && puts.Add(1) == 1:
				request.respondStatus(403)
			case strings.HasSuffix(r.Request.URL, "/events") && grants.Load() < 2:
				request.respondStatus(503)
			case strings.Contains(r.Request.URL, "/api/pictures/") && r.Request.Method == "GET" && grants.Load() < 2:
				request.respondJSON(`{"status": "erased", "steps": []}`)
			default:
				request.pass()
			}
		})
		p.choose(portrait)
		p.click("#send")
		p.waitVisible(allDone, "#result")
		if n := puts.Load(); n != 2 {
			t.Errorf("%d PUTs, want 2", n)
		}
		p.expectOnePicture()
	})
	parallel(t, "grant_is_stored_before_the_upload_and_replaced_and_removed_in_one_transaction", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `(() => {
			window.committed = [];
			const open = IDBDatabase.prototype.transaction;
			IDBDatabase.prototype.transaction = function (...parameters) {
				const transaction = open.apply(this, parameters);
				transaction.steps = [];
				transaction.addEventListener("complete", () => committed.push(transaction.steps.join()));
				return transaction;
			};
			const record = (method, describe) => {
				const original = IDBObjectStore.prototype[method];
				IDBObjectStore.prototype[method] = function (value) {
					this.transaction.steps.push(describe(value));
					return original.call(this, value);
				};
			};
			record("put", ({erasing, unsent}) => erasing ? "erase" : unsent?.granted ? "granted" : "put");
			record("delete", () => "delete");
			const send = XMLHttpRequest.prototype.send;
			XMLHttpRequest.prototype.send = function (body) {
				committed.push("PUT");
				send.call(this, body);
			};
			return true;
		})()`)
		var puts atomic.Int32
		second := make(chan bool, 1)
		p.intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			switch {
			case r.Request.Method != "PUT":
				request.pass()
			case puts.Add(1) == 1:
				request.respondStatus(403)
			default:
				second <- true
			}
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, second)
		p.click("#cancel")
		p.waitUntilStored(0)
		steps := evaluate[[]string](p, `committed.filter((step) => step.includes("granted") || step === "PUT" || step.includes("delete") && step.includes("erase"))`)
		if want := []string{"granted", "PUT", "erase,granted", "PUT", "erase,delete"}; !slices.Equal(steps, want) {
			t.Errorf("the transactions and uploads are %q, want %q", steps, want)
		}
	})
	parallel(t, "upload_works_when_the_browser_refuses_locks", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `LockManager.prototype.request = LockManager.prototype.query = async () => { throw new DOMException("", "SecurityError") }, true`)
		p.send()
		p.click("#another")
		p.waitUntil(historyLength + ` === "1"`)
	})
	parallel(t, "upload_left_in_another_tab_is_offered_at_once", func(t *testing.T) {
		other := h.visit(t)
		p := h.openBeside(t, other)
		p.do(chromedp.Navigate(p.site))
		sent, _ := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		p.click("#home")
		other.waitVisible("#unsent img")
	})
	parallel(t, "picture_of_a_closed_tab_is_offered_when_the_page_becomes_visible", func(t *testing.T) {
		other := h.visit(t)
		p := h.openBeside(t, other)
		p.do(chromedp.Navigate(p.site))
		sent, _ := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		if err := chromedp.Cancel(p.ctx); err != nil {
			t.Fatal(err)
		}
		other.waitUntil(`navigator.locks.query().then(({held}) => { window.free = !held.length }), window.free`)
		evaluate[bool](other, `document.dispatchEvent(new Event("visibilitychange"))`)
		other.waitVisible("#unsent img")
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

// visitWaitingTab opens a tab that waits for the upload of the picture with the returned ID by p.
func (h pageEnv) visitWaitingTab(t *testing.T) (waiting, p tab, id string, release func()) {
	t.Helper()
	waiting = h.visit(t)
	p = h.openBeside(t, waiting)
	p.do(chromedp.Navigate(p.site))
	sent, release := p.holdUploads(h)
	p.choose(portrait)
	p.click("#send")
	receive(p, sent)
	id = evaluate[string](p, "location.hash.slice(1)")
	waiting.do(chromedp.Navigate(p.site + "/?#" + id))
	waiting.waitText("#title", "Another tab is sending it")
	return waiting, p, id, release
}

func (p tab) waitUntilStored(n int) {
	p.Helper()
	evaluate[bool](p, `(async () => {
		while (await `+storedEntries+` !== `+strconv.Itoa(n)+`) await new Promise(requestAnimationFrame);
		return true;
	})()`)
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
