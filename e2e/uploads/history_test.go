package uploads

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testHistory(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "history_lists_opens_and_erases_pictures", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		first := pagetest.Evaluate[string](p, "location.hash")
		p.Click("#another")
		p.Send()
		p.Click("#another")
		p.Do(chromedp.Reload())
		p.WaitVisible("#pictures li:nth-child(2) img")
		p.Screenshot("album")
		p.Click(`#pictures a[href="` + first + `"]`)
		p.WaitVisible("#result", "#overlay polygon")

		p.Click("#erase-this", "#confirm-keep")
		p.WaitVisible("#result")
		p.Click("#erase-this")
		p.WaitText("#confirm-text", "backups still contain what Google saw")
		p.Click("#confirm-act")
		p.WaitText("#title", "was erased")
		p.WaitText("#notice p", "Erased")
		if pagetest.Evaluate[bool](p, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the erased picture is still shown")
		}
		p.Screenshot("erased")
		for _, path := range []string{"", "/image"} {
			status := pagetest.Evaluate[int](p, `fetch("/api/pictures/`+first[1:]+path+`").then(async (r) => r.ok && (await r.json()).status === "erased" ? 410 : r.status)`)
			if status != 410 {
				t.Errorf("%q of the erased picture has status %d, want 410", path, status)
			}
		}

		p.Click("#another")
		p.Send()
		p.Click("#another")
		p.WaitVisible("#pictures li:nth-child(2)")
		var mu sync.Mutex
		var methods []string
		var hashes []any
		p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			mu.Lock()
			methods = append(methods, r.Request.Method)
			if r.Request.Method == "DELETE" {
				hashes = append(hashes, r.Request.Headers["x-amz-content-sha256"])
			}
			mu.Unlock()
			request.Pass()
		})
		p.Click("#erase-all")
		p.WaitText("#confirm-title", "Erase 2 pictures?")
		p.Click("#confirm-act")
		p.WaitUntil(`document.querySelector("#history").hidden`)
		p.WaitText("#notice p", "Erased")
		mu.Lock()
		defer mu.Unlock()
		if methods = slices.Compact(methods); !slices.Equal(methods, []string{"DELETE", "GET", "DELETE", "GET"}) {
			t.Errorf("the erasures are not sequential: %v", methods)
		}
		// The SHA-256 of an empty body: Lambda may require it of requests that CloudFront has signed.
		if want := any(fmt.Sprintf("%x", sha256.Sum256(nil))); !slices.Equal(hashes, []any{want, want}) {
			t.Errorf("the erasures have the body hashes %v, want %v", hashes, want)
		}
		if stored := pagetest.Evaluate[int](p, storedEntries); stored != 0 {
			t.Errorf("IndexedDB still has %d entries", stored)
		}
	})
	pagetest.Parallel(t, "forgotten_picture_stays_online_but_not_on_this_device", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		first := pagetest.Evaluate[string](p, "location.hash")
		p.Click("#forget-this", "#confirm-keep")
		p.WaitVisible("#result")
		p.Click("#forget-this")
		p.WaitText("#confirm-title", "Forget this picture?")
		p.WaitText("#confirm-text", "never erase a forgotten picture")
		p.Click("#confirm-act")
		p.WaitVisible("#start")
		p.WaitUntil(`document.querySelector("#history").hidden && location.hash === "" && document.activeElement.id === "title"`)

		for range 2 {
			p.Send()
			p.Click("#another")
		}
		p.WaitVisible("#pictures li:nth-child(2)")
		p.Click("#forget-all")
		p.WaitText("#confirm-title", "Forget 2 pictures?")
		p.Click("#confirm-act")
		p.WaitUntil(`document.querySelector("#history").hidden`)
		if stored := pagetest.Evaluate[int](p, storedEntries); stored != 0 {
			t.Errorf("IndexedDB still has %d entries", stored)
		}
		if status := pagetest.Evaluate[string](p, `fetch("/api/pictures/`+first[1:]+`").then((r) => r.json()).then(({status}) => status)`); status != "annotated" {
			t.Errorf("the forgotten picture has status %s, want annotated", status)
		}
		p.Do(chromedp.Navigate(p.Site + "/" + first))
		p.WaitVisible("#result")
		if pagetest.Evaluate[bool](p, `document.querySelector("#erase-this").checkVisibility() || document.querySelector("#forget-this").checkVisibility()`) {
			t.Error("the forgotten picture can still be erased or forgotten")
		}
	})
	pagetest.Parallel(t, "erasure_of_the_picture_in_view_is_shown_and_announced_immediately", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		deletes := holdErasures(p)
		pagetest.Evaluate[bool](p, `window.announced = [], new MutationObserver(() => announced.push(document.querySelector("#announcement").textContent)).observe(document.querySelector("#announcement"), {childList: true, characterData: true, subtree: true}), true`)
		p.Click("#erase-this", "#confirm-act")
		erasure := pagetest.Receive(p, deletes)
		p.WaitText("#title", "Erasing…")
		if offered := pagetest.Evaluate[[]string](p, `[...document.querySelectorAll("#result button, #result input, #result summary, #after button")]
			.filter((node) => node.checkVisibility() && !node.disabled && !node.closest("[inert]")).map(({id}) => id)`); !slices.Equal(offered, []string{"another"}) {
			t.Errorf("during the erasure the page offers %q, want only another picture", offered)
		}
		p.Screenshot("erasing")
		erasure.Pass()
		p.WaitText("#title", "was erased")
		p.WaitText("#announcement", "was erased")
		if all := strings.Join(strings.Fields(pagetest.Evaluate[string](p, `announced.join(" ")`)), " "); !strings.HasPrefix(all, "Erasing… This picture was erased.") {
			t.Errorf("the announcements are %q", all)
		}
	})
	pagetest.Parallel(t, "only_pictures_that_are_not_being_erased_can_be_forgotten", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Click("#another")
		p.Send()
		p.Click("#another")
		deletes := holdErasures(p)
		p.Click("#pictures button", "#confirm-act")
		erasure := pagetest.Receive(p, deletes)
		p.WaitVisible("#pictures button:disabled")
		p.Click("#forget-all")
		p.WaitText("#confirm-title", "Forget this picture?")
		p.Click("#confirm-act")
		p.WaitVisible("#pictures li:only-child.erasing")
		if pagetest.Evaluate[bool](p, `document.querySelector("#forget-all").checkVisibility() || document.querySelector("#erase-all").checkVisibility()`) {
			t.Error("during the erasure, the page offers to forget or erase the picture")
		}
		erasure.Pass()
		p.WaitText("#notice p", "Erased")
		waitUntilStored(p, 0)
	})
	pagetest.Parallel(t, "erasure_continues_after_reload", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		pagetest.Evaluate[bool](p, `import("./history.js").then(async ({load, update}) => {
			update((await load()).history, {erasing: true});
			return Boolean(await load());
		})`)
		p.Do(chromedp.Navigate(p.Site)) // reloads the page
		p.WaitText("#notice p", "Erased")
		p.WaitUntil(`document.querySelector("#history").hidden`)
	})
	pagetest.Parallel(t, "picture_whose_erasure_fails_stays_in_history_with_error_notice", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		pagetest.Evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout), true`)
		p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.Request.Method == "DELETE" {
				request.RespondStatus(503)
				return
			}
			request.Pass()
		})
		p.Click("#another", "#erase-all", "#confirm-act")
		p.WaitText("#notice p", "answered 503")
		p.WaitVisible("#pictures button:enabled")
	})
}

func testHistoryStorage(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "history_works_in_memory_without_browser_storage", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.AddInitScript(`
			const refuse = {get() { throw new DOMException("", "SecurityError"); }};
			for (const storage of ["localStorage", "indexedDB"]) Object.defineProperty(window, storage, refuse);
			Object.defineProperty(Navigator.prototype, "locks", refuse);
			window.BroadcastChannel = class { constructor() { throw new DOMException("", "SecurityError"); } };`)
		p.Do(chromedp.Navigate(p.Site), chromedp.Click("#agree"))
		for range 2 {
			p.Send()
			p.Click("#another")
		}
		p.WaitVisible("#pictures li:nth-child(2)")
		p.Click("#erase-all", "#confirm-act")
		p.WaitUntil(`document.querySelector("#history").hidden`)
		p.WaitText("#notice p", "Erased")
	})
	pagetest.Parallel(t, "picture_is_sent_although_IndexedDB_never_opens", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.AddInitScript(`
			IDBFactory.prototype.open = ((open) => function (...parameters) {
				return Object.assign(open.apply(this, parameters), {addEventListener() {}});
			})(IDBFactory.prototype.open);
			window.setTimeout = ((wait) => (then, ms) => wait(then, ms === 3000 ? 0 : ms))(setTimeout);`)
		p.Do(chromedp.Navigate(p.Site), chromedp.Click("#agree"))
		p.Send()
		p.Click("#another")
		p.WaitVisible("#pictures img")
	})
	pagetest.Parallel(t, "aborted_transaction_keeps_the_picture_in_memory", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `IDBObjectStore.prototype.put = ((put) => function (entry) {
			const request = put.call(this, entry);
			request.addEventListener("success", () => this.transaction.abort()); // as the quota does
			return request;
		})(IDBObjectStore.prototype.put), true`)
		sent, _ := holdUploads(p, h)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, sent)
		p.Click("#home")
		p.WaitVisible("#unsent img")
		waitUntilStored(p, 0)
	})
	for name, refuses := range map[string]string{
		"image":               `entry.unsent?.blob`,
		"image_and_thumbnail": `entry.unsent?.blob || entry.thumb`,
	} {
		refuse := `IDBObjectStore.prototype.put = ((put) => function (entry) {
			if (` + refuses + `) throw new DOMException("", "DataCloneError");
			return put.call(this, entry);
		})(IDBObjectStore.prototype.put), true`
		pagetest.Parallel(t, "picture_sent_without_storage_for_its_"+name+"_stays_in_the_history", func(t *testing.T) {
			p := h.Visit(t)
			pagetest.Evaluate[bool](p, refuse)
			p.Send()
			waitUntilStored(p, 1)
			p.Do(chromedp.Navigate(p.Site+"/?"), chromedp.WaitVisible("#pictures img"))
			p.Screenshot("without-" + name)
			p.Click("#erase-all", "#confirm-act")
			p.WaitText("#notice p", "Erased")
		})
		pagetest.Parallel(t, "interrupted_upload_without_storage_for_its_"+name+"_can_be_erased", func(t *testing.T) {
			p := h.Visit(t)
			pagetest.Evaluate[bool](p, refuse)
			sent, _ := holdUploads(p, h)
			p.Choose(pagetest.Portrait)
			p.Click("#send")
			pagetest.Receive(p, sent)
			acceptDialogs(p)
			p.Do(chromedp.Reload())
			p.WaitVisible("#after")
			p.Click("#home")
			p.WaitVisible("#pictures img")
			if pagetest.Evaluate[bool](p, `document.querySelector("#unsent").checkVisibility()`) {
				t.Error("a picture without an image can be sent")
			}
			p.Click("#erase-all", "#confirm-act")
			p.WaitText("#notice p", "Erased")
			waitUntilStored(p, 0)
		})
	}
	pagetest.Parallel(t, "entry_whose_ID_was_replaced_is_not_marked_as_sent", func(t *testing.T) {
		p := h.Visit(t)
		if sent := pagetest.Evaluate[[]bool](p, `import("./history.js").then(async ({add, update, load, find}) => {
			add({key: "a", id: "new", thumb: new Blob(), unsent: {blob: new Blob()}});
			update([{key: "a", id: "old"}], {sent: true});
			const inMemory = Boolean(find(() => true).sent);
			await load();
			return [inMemory, Boolean(find(() => true).sent)];
		})`); sent[0] || sent[1] {
			t.Errorf("sent in memory and after loading: %v", sent)
		}
	})
}
