package browser

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func testHistory(t *testing.T, h pageEnv) {
	parallel(t, "history_lists_opens_and_erases_pictures", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		first := evaluate[string](p, "location.hash")
		p.click("#another")
		p.send()
		p.click("#another")
		p.do(chromedp.Reload())
		p.waitVisible("#pictures li:nth-child(2) img")
		p.screenshot("album")
		p.click(`#pictures a[href="` + first + `"]`)
		p.waitVisible("#result", "#overlay polygon")

		p.click("#erase-this", "#confirm-keep")
		p.waitVisible("#result")
		p.click("#erase-this")
		p.waitText("#confirm-text", "backups keep what Google saw for 7 days")
		p.click("#confirm-act")
		p.waitText("#title", "was erased")
		p.waitText("#notice p", "Erased")
		if evaluate[bool](p, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the erased picture is still shown")
		}
		p.screenshot("erased")
		for _, path := range []string{"", "/image"} {
			status := evaluate[int](p, `fetch("/api/pictures/`+first[1:]+path+`").then(async (r) => r.ok && (await r.json()).status === "erased" ? 410 : r.status)`)
			if status != 410 {
				t.Errorf("%q of the erased picture has status %d, want 410", path, status)
			}
		}

		p.click("#another")
		p.send()
		p.click("#another")
		p.waitVisible("#pictures li:nth-child(2)")
		var mu sync.Mutex
		var methods []string
		p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			mu.Lock()
			methods = append(methods, r.Request.Method)
			mu.Unlock()
			request.pass()
		})
		p.click("#erase-all")
		p.waitText("#confirm-title", "Erase 2 pictures?")
		p.click("#confirm-act")
		p.waitUntil(`document.querySelector("#history").hidden`)
		p.waitText("#notice p", "Erased")
		mu.Lock()
		defer mu.Unlock()
		if methods = slices.Compact(methods); !slices.Equal(methods, []string{"DELETE", "GET", "DELETE", "GET"}) {
			t.Errorf("the erasures are not sequential: %v", methods)
		}
		if stored := evaluate[int](p, storedEntries); stored != 0 {
			t.Errorf("IndexedDB still has %d entries", stored)
		}
	})
	parallel(t, "forgotten_picture_stays_online_but_not_on_this_device", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		first := evaluate[string](p, "location.hash")
		p.click("#forget-this", "#confirm-keep")
		p.waitVisible("#result")
		p.click("#forget-this")
		p.waitText("#confirm-title", "Forget this picture?")
		p.waitText("#confirm-text", "never erase it again")
		p.click("#confirm-act")
		p.waitVisible("#start")
		p.waitUntil(`document.querySelector("#history").hidden && location.hash === "" && document.activeElement.id === "title"`)

		for range 2 {
			p.send()
			p.click("#another")
		}
		p.waitVisible("#pictures li:nth-child(2)")
		p.click("#forget-all")
		p.waitText("#confirm-title", "Forget 2 pictures?")
		p.click("#confirm-act")
		p.waitUntil(`document.querySelector("#history").hidden`)
		if stored := evaluate[int](p, storedEntries); stored != 0 {
			t.Errorf("IndexedDB still has %d entries", stored)
		}
		if status := evaluate[string](p, `fetch("/api/pictures/`+first[1:]+`").then((r) => r.json()).then(({status}) => status)`); status != "annotated" {
			t.Errorf("the forgotten picture has status %s, want annotated", status)
		}
		p.do(chromedp.Navigate(p.site + "/" + first))
		p.waitVisible("#result")
		if evaluate[bool](p, `document.querySelector("#erase-this").checkVisibility() || document.querySelector("#forget-this").checkVisibility()`) {
			t.Error("the forgotten picture can still be erased or forgotten")
		}
	})
	parallel(t, "erasure_continues_after_reload", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `import("./history.js").then(async ({load, update}) => {
			update((await load()).history, {erasing: true});
			return Boolean(await load());
		})`)
		p.do(chromedp.Navigate(p.site)) // reloads the page
		p.waitText("#notice p", "Erased")
		p.waitUntil(`document.querySelector("#history").hidden`)
	})
	parallel(t, "picture_whose_erasure_fails_stays_in_history_with_error_notice", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout), true`)
		p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "DELETE" {
				request.respondStatus(503)
				return
			}
			request.pass()
		})
		p.click("#another", "#erase-all", "#confirm-act")
		p.waitText("#notice p", "answered 503")
		p.waitVisible("#pictures button:enabled")
	})
	parallel(t, "history_works_in_memory_without_browser_storage", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.addInitScript(`
			const refuse = {get() { throw new DOMException("", "SecurityError"); }};
			for (const storage of ["localStorage", "indexedDB"]) Object.defineProperty(window, storage, refuse);
			Object.defineProperty(Navigator.prototype, "locks", refuse);
			window.BroadcastChannel = class { constructor() { throw new DOMException("", "SecurityError"); } };`)
		p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"))
		for range 2 {
			p.send()
			p.click("#another")
		}
		p.waitVisible("#pictures li:nth-child(2)")
		p.click("#erase-all", "#confirm-act")
		p.waitUntil(`document.querySelector("#history").hidden`)
		p.waitText("#notice p", "Erased")
	})
	parallel(t, "aborted_transaction_keeps_the_picture_in_memory", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `IDBObjectStore.prototype.put = ((put) => function (entry) {
			const request = put.call(this, entry);
			request.addEventListener("success", () => this.transaction.abort()); // as the quota does
			return request;
		})(IDBObjectStore.prototype.put), true`)
		sent, _ := p.holdUploads(h)
		p.choose(portrait)
		p.click("#send")
		receive(p, sent)
		p.click("#home")
		p.waitVisible("#unsent img")
		p.waitUntilStored(0)
	})
	for name, refuses := range map[string]string{
		"image":               `entry.unsent?.blob`,
		"image_and_thumbnail": `entry.unsent?.blob || entry.thumb`,
	} {
		refuse := `IDBObjectStore.prototype.put = ((put) => function (entry) {
			if (` + refuses + `) throw new DOMException("", "DataCloneError");
			return put.call(this, entry);
		})(IDBObjectStore.prototype.put), true`
		parallel(t, "picture_sent_without_storage_for_its_"+name+"_stays_in_the_history", func(t *testing.T) {
			p := h.visit(t)
			evaluate[bool](p, refuse)
			p.send()
			p.waitUntilStored(1)
			p.do(chromedp.Navigate(p.site+"/?"), chromedp.WaitVisible("#pictures img"))
			p.screenshot("without-" + name)
			p.click("#erase-all", "#confirm-act")
			p.waitText("#notice p", "Erased")
		})
		parallel(t, "interrupted_upload_without_storage_for_its_"+name+"_can_be_erased", func(t *testing.T) {
			p := h.visit(t)
			evaluate[bool](p, refuse)
			sent, _ := p.holdUploads(h)
			p.choose(portrait)
			p.click("#send")
			receive(p, sent)
			p.acceptDialogs()
			p.do(chromedp.Reload())
			p.waitVisible("#after")
			p.click("#home")
			p.waitVisible("#pictures img")
			if evaluate[bool](p, `document.querySelector("#unsent").checkVisibility()`) {
				t.Error("a picture without an image can be sent")
			}
			p.click("#erase-all", "#confirm-act")
			p.waitText("#notice p", "Erased")
			p.waitUntilStored(0)
		})
	}
	parallel(t, "entry_whose_ID_was_replaced_is_not_marked_as_sent", func(t *testing.T) {
		p := h.visit(t)
		if sent := evaluate[[]bool](p, `import("./history.js").then(async ({add, update, load, find}) => {
			add({key: "a", id: "new", thumb: new Blob(), unsent: {blob: new Blob()}});
			update([{key: "a", id: "old"}], {sent: true});
			const inMemory = Boolean(find(() => true).sent);
			await load();
			return [inMemory, Boolean(find(() => true).sent)];
		})`); sent[0] || sent[1] {
			t.Errorf("sent in memory and after loading: %v", sent)
		}
	})
	for name, c := range map[string]struct{ timers, event string }{
		"after_a_pause":            {timers: `wait(then, ms / 100)`},
		"when_online":              {timers: `ms < 30_000 && wait(then, ms / 100)`, event: `dispatchEvent(new Event("online"))`},
		"when_the_page_is_visible": {timers: `ms < 30_000 && wait(then, ms / 100)`, event: `document.dispatchEvent(new Event("visibilitychange"))`},
	} {
		parallel(t, "failed_erasure_of_cancelled_picture_continues_"+name, func(t *testing.T) {
			p := h.visit(t)
			evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => `+c.timers+`)(setTimeout), true`)
			succeeds := p.cancelWithErasureStatus(503)
			p.waitText("#notice p", "The erasure continues when")
			succeeds.Store(true)
			if c.event != "" {
				evaluate[bool](p, c.event)
			}
			p.waitText("#notice p", "Erased")
			p.waitUntilStored(0)
		})
	}
	parallel(t, "cancelled_picture_whose_erasure_is_refused_can_be_erased_later", func(t *testing.T) {
		p := h.visit(t)
		succeeds := p.cancelWithErasureStatus(400)
		p.waitText("#notice p", "answered 400")
		p.do(chromedp.Navigate(p.site+"/?"), chromedp.WaitVisible("#pictures button:enabled"))
		succeeds.Store(true)
		p.click("#erase-all", "#confirm-act")
		p.waitText("#notice p", "Erased")
		p.waitUntilStored(0)
	})
	parallel(t, "cancelled_picture_that_does_not_exist_leaves_no_entry", func(t *testing.T) {
		p := h.visit(t)
		p.cancelWithErasureStatus(404)
		p.waitUntilStored(0)
	})
	parallel(t, "unchanged_lists_keep_the_focus", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.click("#another")
		p.waitVisible("#pictures button")
		p.do(chromedp.Focus("#pictures button"))
		evaluate[bool](p, `Promise.all([import("./history.js"), import("./state.js")]).then(async ([{load}, {set}]) => (set(await load()), true))`)
		if !evaluate[bool](p, `document.activeElement.matches("#pictures button")`) {
			t.Error("the button lost the focus")
		}
	})
	parallel(t, "going_home_adds_one_browser_history_entry", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		before := evaluate[int](p, `history.length`)
		p.click("#another", "#home", "#open-camera", "#close-camera", "#home")
		if after := evaluate[int](p, `history.length`); after != before+1 {
			t.Errorf("%d entries were added, want 1", after-before)
		}
		p.do(chromedp.NavigateBack())
		p.waitVisible("#result")
	})
	parallel(t, "another_browser_with_the_link_sees_picture_but_cannot_erase_it", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		other := newTab(t, h.chromium, p.site)
		other.do(chromedp.Navigate(evaluate[string](p, "location.href")))
		other.waitVisible("#result", "#overlay polygon")
		if evaluate[bool](other, `document.querySelector("#erase-this").checkVisibility()`) {
			t.Error("the erase button is visible")
		}
	})
}

// cancelWithErasureStatus cancels an upload. Its erasure gets the status until the result is true.
func (p tab) cancelWithErasureStatus(status int64) (succeeds *atomic.Bool) {
	p.Helper()
	succeeds = new(atomic.Bool)
	sent := make(chan bool, 1)
	p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
		switch {
		case r.Request.Method == "PUT":
			sent <- true
		case r.Request.Method == "DELETE" && !succeeds.Load():
			request.respondStatus(status)
		default:
			request.pass()
		}
	})
	p.choose(portrait)
	p.click("#send")
	receive(p, sent)
	p.click("#cancel")
	p.waitVisible("#review")
	return succeeds
}
