package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"triptych/e2e/pagetest"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/chromedp"
)

func testPhoto(t *testing.T, h pageEnv) {
	parallel(t, "file_is_decoded_and_drawn_by_a_worker_only", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.onPage = [], window.Image = class { constructor() { onPage.push("Image"); } },
			HTMLCanvasElement.prototype.getContext = function () { onPage.push("canvas"); },
			window.OffscreenCanvas = class { constructor() { onPage.push("OffscreenCanvas"); } },
			window.createImageBitmap = () => { onPage.push("createImageBitmap"); }, true`)
		p.choose(pagetest.Sideways(t))
		p.waitText("#photo-info", "800 × 1600 pixels")
		if used := evaluate[[]string](p, `onPage`); len(used) > 0 {
			t.Errorf("the page itself uses %v", used)
		}
	})
	parallel(t, "last_of_two_chosen_files_is_reviewed", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.held = [], window.Worker = class extends Worker {
			postMessage(file) {
				if (held.push(this) > 1) super.postMessage(file);
			}
		}, true`)
		p.do(chromedp.SetUploadFiles("#file", []string{pagetest.Sideways(t)}, chromedp.NodeReady))
		p.waitText("#notice p", "Preparing the picture")
		p.choose(portrait)
		p.waitText("#photo-info", "512 × 512 pixels")
		p.do(chromedp.WaitNotVisible("#notice"))
	})
	parallel(t, "last_of_two_chosen_files_is_reviewed_without_workers", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.Worker = undefined, window.made = 0,
			HTMLCanvasElement.prototype.toBlob = ((toBlob) => function (done, ...args) {
				toBlob.call(this, (blob) => { done(blob); made++; }, ...args);
			})(HTMLCanvasElement.prototype.toBlob),
			HTMLImageElement.prototype.decode = async function () {
				if (!window.release) await new Promise((resolve) => window.release = resolve);
			}, true`)
		p.do(chromedp.SetUploadFiles("#file", []string{pagetest.Sideways(t)}, chromedp.NodeReady))
		p.waitText("#notice p", "Preparing the picture")
		p.choose(portrait)
		evaluate[bool](p, `(release(), true)`)
		p.waitUntil(`made === 4`) // two pictures and their thumbnails
		p.waitText("#photo-info", "512 × 512 pixels")
	})
	parallel(t, "file_chosen_before_leaving_does_not_appear_afterwards", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.Worker = class extends Worker {
			postMessage(file) {
				window.release = () => super.postMessage(file);
				this.addEventListener("message", () => window.answered = true);
			}
		}, true`)
		p.do(chromedp.SetUploadFiles("#file", []string{portrait}, chromedp.NodeReady))
		p.waitText("#notice p", "Preparing the picture")
		p.click("#open-camera")
		p.waitVisible("#shoot")
		evaluate[bool](p, `(release(), true)`)
		p.waitUntil(`window.answered`)
		if evaluate[bool](p, `document.querySelector("#camera").hidden`) {
			t.Error("the file replaced the camera")
		}
	})
	parallel(t, "HEIC_file_is_refused_with_instructions", func(t *testing.T) {
		p := h.visit(t)
		path := filepath.Join(t.TempDir(), "IMG_0001.HEIC")
		if err := os.WriteFile(path, []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), 0o644); err != nil {
			t.Fatal(err)
		}
		p.do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady))
		p.waitText("#notice p", "HEIC")
		p.waitText("#notice p", "Settings > Camera > Formats > Most Compatible")
	})
	parallel(t, "canvas_protection_in_workers_only_leaves_the_file_to_the_page", func(t *testing.T) {
		p := h.visit(t)
		p.breakWorkers(`OffscreenCanvasRenderingContext2D.prototype.getImageData = ` + randomPixels)
		p.choose(portrait)
		if answers := evaluate[[]bool](p, `answers`); len(answers) != 1 || answers[0] {
			t.Errorf("the workers answered %v", answers)
		}
	})
	parallel(t, "blob_URLs_and_elements_do_not_grow_with_pictures", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.addInitScript(`window.urls = new Set(),
			URL.createObjectURL = ((create) => (blob) => { const url = create.call(URL, blob); urls.add(url); return url; })(URL.createObjectURL),
			URL.revokeObjectURL = ((revoke) => (url) => { revoke.call(URL, url); urls.delete(url); })(URL.revokeObjectURL)`)
		p.do(chromedp.Navigate(p.site))
		p.click("#agree", "#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.waitVisible("#review")
		p.send()
		p.click("#another")
		p.waitVisible("#history img")
		p.click("#erase-all", "#confirm-act")
		p.waitText("#notice p", "Erased")
		if open := evaluate[int](p, `urls.size`); open != 0 {
			t.Errorf("%d blob URLs are not revoked after all pictures were erased", open)
		}
		review := func(n int) int64 {
			for range n {
				before := evaluate[string](p, `document.querySelector("#image").src`)
				p.choose(portrait)
				p.waitUntil(`document.querySelector("#image").src !== ` + quoted(before))
			}
			return p.countNodes()
		}
		before := review(3)
		if after := review(6); after > before+5 {
			t.Errorf("the browser keeps %d nodes, and %d after six more pictures", before, after)
		}
		if open := evaluate[int](p, `urls.size`); open != 1 {
			t.Errorf("%d blob URLs are not revoked, want that of the picture in view", open)
		}
	})
}

// randomPixels replaces getImageData, as Firefox's resistFingerprinting does.
const randomPixels = `function (x, y, width, height) {
	return {data: crypto.getRandomValues(new Uint8ClampedArray(4 * width * height))};
}`

// breakWorkers runs a script in each worker that reads a picture.
func (p tab) breakWorkers(script string) {
	p.Helper()
	worker, err := os.ReadFile(pagetest.SiteFiles + "/photo-worker.js")
	if err != nil {
		p.Fatal(err)
	}
	p.intercept("*/photo-worker.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) {
		respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.id, ResponseCode: 200,
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/javascript"}}, Body: append([]byte(script+";\n"), worker...)})
	})
	evaluate[bool](p, pagetest.RecordWorkers)
}

func (p tab) countNodes() int64 {
	p.Helper()
	counters, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (memory.GetDOMCountersResult, error) {
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
