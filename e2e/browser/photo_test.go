package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testPhoto(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "file_is_decoded_and_drawn_by_a_worker_only", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.onPage = [], window.Image = class { constructor() { onPage.push("Image"); } },
			HTMLCanvasElement.prototype.getContext = function () { onPage.push("canvas"); },
			window.OffscreenCanvas = class { constructor() { onPage.push("OffscreenCanvas"); } },
			window.createImageBitmap = () => { onPage.push("createImageBitmap"); }, true`)
		p.Choose(pagetest.Sideways(t))
		p.WaitText("#photo-info", "800 × 1600 pixels")
		if used := pagetest.Evaluate[[]string](p, `onPage`); len(used) > 0 {
			t.Errorf("the page itself uses %v", used)
		}
	})
	pagetest.Parallel(t, "last_of_two_chosen_files_is_reviewed", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.held = [], window.Worker = class extends Worker {
			postMessage(file) {
				if (held.push(this) > 1) super.postMessage(file);
			}
		}, true`)
		p.Do(chromedp.SetUploadFiles("#file", []string{pagetest.Sideways(t)}, chromedp.NodeReady))
		p.WaitText("#notice p", "Preparing the picture")
		p.Choose(pagetest.Portrait)
		p.WaitText("#photo-info", "512 × 512 pixels")
		p.Do(chromedp.WaitNotVisible("#notice"))
	})
	pagetest.Parallel(t, "last_of_two_chosen_files_is_reviewed_without_workers", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.Worker = undefined, window.made = 0,
			HTMLCanvasElement.prototype.toBlob = ((toBlob) => function (done, ...args) {
				toBlob.call(this, (blob) => { done(blob); made++; }, ...args);
			})(HTMLCanvasElement.prototype.toBlob),
			HTMLImageElement.prototype.decode = async function () {
				if (!window.release) await new Promise((resolve) => window.release = resolve);
			}, true`)
		p.Do(chromedp.SetUploadFiles("#file", []string{pagetest.Sideways(t)}, chromedp.NodeReady))
		p.WaitText("#notice p", "Preparing the picture")
		p.Choose(pagetest.Portrait)
		pagetest.Evaluate[bool](p, `(release(), true)`)
		p.WaitUntil(`made === 4`) // two pictures and their thumbnails
		p.WaitText("#photo-info", "512 × 512 pixels")
	})
	pagetest.Parallel(t, "file_chosen_before_leaving_does_not_appear_afterwards", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.Worker = class extends Worker {
			postMessage(file) {
				window.release = () => super.postMessage(file);
				this.addEventListener("message", () => window.answered = true);
			}
		}, true`)
		p.Do(chromedp.SetUploadFiles("#file", []string{pagetest.Portrait}, chromedp.NodeReady))
		p.WaitText("#notice p", "Preparing the picture")
		p.Click("#open-camera")
		p.WaitVisible("#shoot")
		pagetest.Evaluate[bool](p, `(release(), true)`)
		p.WaitUntil(`window.answered`)
		if pagetest.Evaluate[bool](p, `document.querySelector("#camera").hidden`) {
			t.Error("the file replaced the camera")
		}
	})
	pagetest.Parallel(t, "HEIC_file_is_refused_with_instructions", func(t *testing.T) {
		p := h.Visit(t)
		path := filepath.Join(t.TempDir(), "IMG_0001.HEIC")
		if err := os.WriteFile(path, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), 0o644); err != nil {
			t.Fatal(err)
		}
		p.Do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady))
		p.WaitText("#notice p", "HEIC")
		p.WaitText("#notice p", "Settings > Camera > Formats > Most Compatible")
	})
	pagetest.Parallel(t, "file_that_was_removed_produces_the_notice_of_the_page", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `Blob.prototype.text = async () => { throw new DOMException("raw", "NotReadableError"); }, true`)
		dispatchFile(p, "drop", "")
		p.WaitText("#notice p", "This browser cannot read that file.")
	})
	pagetest.Parallel(t, "canvas_protection_in_workers_only_leaves_the_file_to_the_page", func(t *testing.T) {
		p := h.Visit(t)
		breakWorkers(p, `OffscreenCanvasRenderingContext2D.prototype.getImageData = `+randomPixels)
		p.Choose(pagetest.Portrait)
		if answers := pagetest.Evaluate[[]bool](p, `answers`); len(answers) != 1 || answers[0] {
			t.Errorf("the workers answered %v", answers)
		}
	})
	pagetest.Parallel(t, "blob_URLs_and_elements_do_not_grow_with_pictures", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.AddInitScript(`window.urls = new Set(),
			URL.createObjectURL = ((create) => (blob) => { const url = create.call(URL, blob); urls.add(url); return url; })(URL.createObjectURL),
			URL.revokeObjectURL = ((revoke) => (url) => { revoke.call(URL, url); urls.delete(url); })(URL.revokeObjectURL)`)
		p.Do(chromedp.Navigate(p.Site))
		p.Click("#agree", "#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot")
		p.WaitVisible("#review")
		p.Click("#home", "#confirm-act")
		p.WaitVisible("#start")
		p.Send()
		p.Click("#another")
		p.WaitVisible("#history img")
		p.Click("#erase-all", "#confirm-act")
		p.WaitText("#notice p", "Erased")
		if open := pagetest.Evaluate[int](p, `urls.size`); open != 0 {
			t.Errorf("%d blob URLs are not revoked after all pictures were erased", open)
		}
		review := func(n int) int64 {
			for range n {
				before := pagetest.Evaluate[string](p, `document.querySelector("#image").src`)
				p.Choose(pagetest.Portrait)
				p.WaitUntil(`document.querySelector("#image").src !== ` + pagetest.Quoted(before))
			}
			return countNodes(p)
		}
		before := review(3)
		if after := review(6); after > before+5 {
			t.Errorf("the browser keeps %d nodes, and %d after six more pictures", before, after)
		}
		if open := pagetest.Evaluate[int](p, `urls.size`); open != 1 {
			t.Errorf("%d blob URLs are not revoked, want that of the picture in view", open)
		}
	})
}

// randomPixels replaces getImageData, as Firefox's resistFingerprinting does.
const randomPixels = `function (x, y, width, height) {
	return {data: crypto.getRandomValues(new Uint8ClampedArray(4 * width * height))};
}`

func breakWorkers(p pagetest.Tab, script string) {
	p.Helper()
	worker, err := os.ReadFile(pagetest.SiteFiles + "/photo-worker.js")
	if err != nil {
		p.Fatal(err)
	}
	p.Intercept("*/photo-worker.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		pagetest.Respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.ID, ResponseCode: 200,
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/javascript"}}, Body: append([]byte(script+";\n"), worker...)})
	})
	pagetest.Evaluate[bool](p, pagetest.RecordWorkers)
}

func countNodes(p pagetest.Tab) int64 {
	p.Helper()
	counters, err := chromedp.Run(p.Ctx, func(ctx context.Context, t *chromedp.Target) (memory.GetDOMCountersResult, error) {
		if _, err := cdp.Call(ctx, t, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			return memory.GetDOMCountersResult{}, err
		}
		return cdp.Call(ctx, t, memory.GetDOMCounters, cdp.Empty{})
	})
	if err != nil {
		p.Fatal(err)
	}
	return counters.Nodes
}
