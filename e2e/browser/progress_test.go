package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func testProgress(t *testing.T, h house) {
	meanwhile(t, "without_a_stream_the_page_asks", func(t *testing.T) {
		p := h.visit(t)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) { answer.refuse(503) })
		p.send()
	})
	meanwhile(t, "a_stream_that_is_refused_makes_it_ask_at_once", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) { answer.refuse(503) })
		p.do(chromedp.Navigate(p.site))
		evaluate[bool](p, `window.setTimeout = () => 0, true`) // no pause ever ends
		evaluate[bool](p, `location.hash = "`+string(picture.NewID(time.Now()))+`", true`)
		p.reads("#title", "Waiting for the picture")
	})
	meanwhile(t, "without_a_stream_it_asks_ever_more_rarely_down_to_every_30_seconds", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) { answer.refuse(503) })
		p.do(chromedp.Navigate(p.site))
		// The page's own waiting, which passes a thousand times as fast.
		evaluate[bool](p, `window.waits = [], window.setTimeout = ((wait) => (then, ms) => (waits.push(ms), wait(then, ms / 1000)))(setTimeout), true`)
		evaluate[bool](p, `location.hash = "`+string(picture.NewID(time.Now()))+`", true`)
		p.until(`waits.filter((ms) => ms === 30_000).length >= 3`)
		waits := evaluate[[]int](p, `[...new Set(waits)]`)
		if !slices.IsSorted(waits) || slices.Max(waits) != 30_000 || waits[0] < 1000 {
			t.Errorf("it waits %v ms", waits)
		}
	})
	meanwhile(t, "a_stream_that_is_cut_comes_back", func(t *testing.T) {
		p := h.visit(t)
		var streams atomic.Int32
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) {
			if streams.Add(1) == 1 {
				answer.cut()
				return
			}
			answer.goOn()
		})
		p.send()
	})
	meanwhile(t, "on_one's_own_machine_the_run_can_be_seen_in_Temporal's_UI", func(t *testing.T) {
		p := h.visit(t)
		if evaluate[bool](p, `Boolean(document.querySelector("#run")?.checkVisibility())`) {
			t.Error("there is a link before there is a run")
		}
		p.send()
		p.see("#run")
		id, address := evaluate[string](p, `location.hash.slice(1)`), evaluate[string](p, `document.querySelector("#run").href`)
		if !strings.HasPrefix(address, h.Endpoints.TemporalUI+"/") {
			t.Fatalf("the link leads to %s", address)
		}
		ui := openTab(t, h.chromium, address)
		ui.do(chromedp.Navigate(address))
		ui.reads("main", "picture/"+id)
		ui.reads("main", "AnnotatePicture")
	})
	meanwhile(t, "a_picture_that_does_not_exist_is_said_to_be_so", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		p.do(chromedp.Navigate(p.site + "/#nobody"))
		p.reads("#lead", "names no picture")
	})
}

func testReload(t *testing.T, h house) {
	t.Run("a_reload_in_mid_run_goes_on_and_says_why_it_waits", func(t *testing.T) {
		p := h.visit(t)
		h.Vision.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "quota"})
		t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
		p.choose(portrait)
		p.click("#send")
		p.see(`#steps [data-step="presign"][data-status="done"]`, `#steps [data-step="annotate"][data-status="retrying"]`)
		p.do(chromedp.Reload())
		p.see(`#steps [data-step="annotate"][data-status="retrying"]`, "#image")
		p.reads(`#steps [data-step="annotate"] .detail`, "quota")
		p.reads(`#steps [data-step="annotate"] .detail`, "Attempt")
		p.shoot("retrying")
		h.Vision.SetFault(annotator.Fault{})
		p.see(allDone, "#marks polygon")
	})
}
