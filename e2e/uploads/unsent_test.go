package uploads

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testUnsent(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "reload_during_upload_continues_it", func(t *testing.T) {
		p := h.Visit(t)
		sent, release := holdUploads(p, h)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, sent)
		acceptDialogs(p)
		p.Do(chromedp.Reload())
		pagetest.Receive(p, sent)
		p.WaitVisible("#upload", "#image")
		if n := pagetest.Evaluate[string](p, historyLength); n != "0" {
			t.Errorf("the history has %s pictures before the upload, want none", n)
		}
		p.Screenshot("resumed")
		release()
		p.WaitVisible(pagetest.AllDone, "#overlay polygon")
		expectOnePicture(p)
	})
	pagetest.Parallel(t, "reload_after_upload_whose_response_is_lost_stores_no_second_picture", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		var lost atomic.Bool
		var grants atomic.Int32
		puts := make(chan bool, 10)
		p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			switch {
			case r.Request.Method == "PUT" && lost.CompareAndSwap(false, true):
				puts <- true
			case r.Request.Method == "PUT":
				request.RespondStatus(412)
				puts <- true
			case r.Request.Method == "OPTIONS":
				request.RespondStatus(200)
			case r.Request.Method == "POST":
				grants.Add(1)
				request.Pass()
			default:
				request.Pass()
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, puts)
		acceptDialogs(p)
		p.Do(chromedp.Reload())
		pagetest.Receive(p, puts)
		p.WaitUntil(historyLength + ` === "1"`)
		if n := grants.Load(); n != 1 {
			t.Errorf("%d grants, want 1", n)
		}
	})
	pagetest.Parallel(t, "picture_of_closed_tab_is_offered_and_can_be_sent", func(t *testing.T) {
		next, p, _ := visitBesideUpload(t, h)
		if pagetest.Evaluate[bool](next, `import("./history.js").then(({load}) => load()).then(({unsent}) => unsent.length > 0)`) {
			t.Error("a picture that another tab is uploading is offered")
		}
		p.Close()
		next.Do(chromedp.Navigate(next.Site))
		next.WaitVisible("#unsent img")
		next.Screenshot("unsent")
		next.Click("#unsent .primary")
		next.WaitVisible(pagetest.AllDone, "#result")
		next.Click("#another")
		next.WaitVisible("#pictures img")
		if pagetest.Evaluate[bool](next, `document.querySelector("#unsent").checkVisibility()`) {
			t.Error("the sent picture is still listed as not sent")
		}
	})
	for name, comeBack := range map[string]func(pagetest.Tab){
		"the_list":        func(p pagetest.Tab) { p.Click("#unsent .primary") },
		"the_back_button": func(p pagetest.Tab) { p.Do(chromedp.NavigateBack()) },
	} {
		pagetest.Parallel(t, "upload_that_was_left_continues_from_"+name, func(t *testing.T) {
			p := h.Visit(t)
			sent, release := holdUploads(p, h)
			p.Choose(pagetest.Portrait)
			p.Click("#send")
			pagetest.Receive(p, sent)
			p.Click("#home")
			p.WaitVisible("#unsent img")
			comeBack(p)
			pagetest.Receive(p, sent)
			release()
			p.WaitVisible(pagetest.AllDone, "#result")
			expectOnePicture(p)
			if name == "the_list" {
				p.Do(chromedp.NavigateBack())
				p.WaitVisible("#start")
			}
		})
	}
	pagetest.Parallel(t, "back_button_returns_to_the_start_after_an_upload_was_resumed_and_cancelled", func(t *testing.T) {
		p := h.Visit(t)
		sent, _ := holdUploads(p, h)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, sent)
		acceptDialogs(p)
		p.Do(chromedp.Navigate(p.Site + "/?" + pagetest.Evaluate[string](p, `location.hash`)))
		pagetest.Receive(p, sent)
		p.Click("#cancel")
		p.WaitVisible("#review")
		p.ChooseAnother(pagetest.Portrait)
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#start")
	})
	pagetest.Parallel(t, "browser_asks_before_it_leaves_a_photo_whose_upload_was_cancelled", func(t *testing.T) {
		p := h.Visit(t)
		sendPhoto(p, h)
		p.Click("#cancel")
		p.WaitVisible("#review")
		if pagetest.Evaluate[bool](p, `dispatchEvent(new Event("beforeunload", {cancelable: true}))`) {
			t.Error("the browser does not ask")
		}
	})
	pagetest.Parallel(t, "browser_asks_before_it_leaves_an_unsent_photo_that_IndexedDB_does_not_store", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `IDBObjectStore.prototype.put = () => { throw new DOMException("", "UnknownError"); }, true`)
		sendPhoto(p, h)
		p.Click("#home")
		p.WaitVisible("#unsent img")
		if pagetest.Evaluate[bool](p, `dispatchEvent(new Event("beforeunload", {cancelable: true}))`) {
			t.Error("the browser does not ask")
		}
	})
	pagetest.Parallel(t, "unsent_picture_can_be_discarded", func(t *testing.T) {
		p := h.Visit(t)
		sent, _ := holdUploads(p, h)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, sent)
		p.Click("#home")
		p.WaitVisible("#unsent img")
		p.Click("#unsent button:not(.primary)", "#confirm-keep", "#unsent button:not(.primary)")
		p.WaitText("#confirm-title", "Discard this picture?")
		p.WaitText("#confirm-text", "Anything that has arrived is erased too.")
		p.Click("#confirm-act")
		p.Do(chromedp.WaitNotVisible("#unsent"))
		waitUntilStored(p, 0)
	})
	pagetest.Parallel(t, "upload_refused_for_today_can_be_sent_later", func(t *testing.T) {
		p := h.Visit(t)
		var accepts atomic.Bool
		p.Intercept("*/api/pictures", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if accepts.Load() {
				request.Pass()
				return
			}
			request.RespondStatus(403)
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitVisible("#review", "#notice")
		p.Do(chromedp.Reload())
		p.WaitVisible("#unsent img")
		accepts.Store(true)
		p.Click("#unsent .primary")
		p.WaitVisible(pagetest.AllDone, "#result")
		expectOnePicture(p)
	})
}

func testTakenOverUpload(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "tab_that_takes_over_an_upload_uses_the_latest_grant", func(t *testing.T) {
		other := h.Visit(t)
		p := h.OpenBeside(t, other)
		p.Do(chromedp.Navigate(p.Site))
		puts, statuses := make(chan bool), make(chan int64)
		p.Intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.Request.Method != "PUT" {
				request.Pass()
				return
			}
			puts <- true
			select {
			case status := <-statuses:
				request.RespondStatus(status)
			case <-p.Ctx.Done():
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, puts)
		first := pagetest.Evaluate[string](p, "location.hash")
		other.Do(chromedp.Navigate(p.Site + "/?" + first))
		other.WaitText("#title", "Another tab is sending it")
		other.Screenshot("waiting-tab")
		statuses <- 403
		pagetest.Receive(p, puts)
		second := pagetest.Evaluate[string](p, "location.hash")
		p.Close()
		other.WaitVisible(pagetest.AllDone, "#result")
		if opened := pagetest.Evaluate[string](other, "location.hash"); opened != second || second == first {
			t.Errorf("the page shows %s after the grants %s and %s", opened, first, second)
		}
		expectOnePicture(other)
	})
	pagetest.Parallel(t, "tab_that_waited_for_an_upload_shows_its_result", func(t *testing.T) {
		other, p, _, release := visitWaitingTab(t, h)
		release()
		p.WaitVisible(pagetest.AllDone)
		other.WaitVisible(pagetest.AllDone, "#result")
		expectOnePicture(other)
	})
	pagetest.Parallel(t, "cancel_in_a_waiting_tab_stops_and_erases_the_upload_of_the_other_tab", func(t *testing.T) {
		other, p, id, _ := visitWaitingTab(t, h)
		other.Click("#cancel")
		other.WaitText("#notice p", "Cancelled")
		p.WaitText("#title", "was erased")
		if status := pagetest.Evaluate[string](p, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "erased" {
			t.Errorf("status is %s, want erased", status)
		}
		waitUntilStored(p, 0)
	})
	pagetest.Parallel(t, "upload_without_a_grant_that_another_tab_removes_returns_to_the_start", func(t *testing.T) {
		p := h.Visit(t)
		other := h.OpenBeside(t, p)
		other.Do(chromedp.Navigate(p.Site))
		posts := make(chan bool, 1)
		p.Intercept("*/api/pictures", fetch.RequestStageRequest, func(*fetch.EventRequestPaused, pagetest.PausedRequest) { posts <- true })
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, posts)
		pagetest.Evaluate[bool](other, `import("./history.js").then(async ({load, find, remove}) => (await load(), remove(find(() => true).key), true))`)
		p.WaitVisible("#start")
		p.WaitUntil(`document.activeElement.id === "title"`)
		waitUntilStored(p, 0)
	})
}

func waitUntilStored(p pagetest.Tab, n int) {
	p.Helper()
	pagetest.Evaluate[bool](p, `(async () => {
		while (await `+storedEntries+` !== `+strconv.Itoa(n)+`) await new Promise(requestAnimationFrame);
		return true;
	})()`)
}

func holdUploads(p pagetest.Tab, h pagetest.Env) (sent <-chan bool, release func()) {
	p.Helper()
	puts, released := make(chan bool, 100), make(chan bool)
	p.Intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		if r.Request.Method == "PUT" {
			puts <- true
			select {
			case <-released:
			case <-p.Ctx.Done():
			}
		}
		request.Pass()
	})
	return puts, func() { close(released) }
}

func acceptDialogs(p pagetest.Tab) {
	p.Helper()
	err := chromedp.Listen(p.Ctx, func(event any) {
		if _, ok := event.(*page.EventJavascriptDialogOpening); ok {
			go chromedp.Run(p.Ctx, func(ctx context.Context, t *chromedp.Target) (cdp.Empty, error) {
				return cdp.Call(ctx, t, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			})
		}
	})
	if err != nil {
		p.Fatal(err)
	}
}

// sendPhoto returns while the upload is held.
func sendPhoto(p pagetest.Tab, h pagetest.Env) {
	sent, _ := holdUploads(p, h)
	p.Click("#open-camera")
	p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
	p.Shoot()
	p.Click("#send")
	pagetest.Receive(p, sent)
}
