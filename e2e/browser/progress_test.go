package browser

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
)

func testProgress(t *testing.T, h pageEnv) {
	parallel(t, "page_polls_without_event_stream", func(t *testing.T) {
		p := h.visit(t)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.respondStatus(503) })
		p.send()
	})
	parallel(t, "refused_event_stream_makes_page_poll_at_once", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.respondStatus(503) })
		p.do(chromedp.Navigate(p.site))
		evaluate[bool](p, `window.setTimeout = () => 0, true`) // timers never fire
		evaluate[bool](p, `location.hash = "`+h.newLink(t)+`", true`)
		p.waitText("#title", "Waiting for the picture")
	})
	parallel(t, "polling_backs_off_to_30_seconds", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.respondStatus(503) })
		p.do(chromedp.Navigate(p.site))
		// Record the delay of each timer, and run timers 1000 times as fast.
		evaluate[bool](p, `window.waits = [], window.setTimeout = ((wait) => (then, ms) => (waits.push(ms), wait(then, ms / 1000)))(setTimeout), true`)
		evaluate[bool](p, `location.hash = "`+h.newLink(t)+`", true`)
		p.waitUntil(`waits.filter((ms) => ms === 30_000).length >= 3`)
		waits := evaluate[[]int](p, `[...new Set(waits)]`)
		if !slices.IsSorted(waits) || slices.Max(waits) != 30_000 || waits[0] < 1000 {
			t.Errorf("the pauses are %v ms", waits)
		}
	})
	parallel(t, "interrupted_event_stream_reconnects", func(t *testing.T) {
		p := h.visit(t)
		var streams atomic.Int32
		p.intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) {
			if streams.Add(1) == 1 {
				request.reset()
				return
			}
			request.pass()
		})
		p.send()
	})
	parallel(t, "local_page_links_to_workflow_in_Temporal_UI", func(t *testing.T) {
		p := h.visit(t)
		if evaluate[bool](p, `Boolean(document.querySelector("#run")?.checkVisibility())`) {
			t.Error("the link is visible before the workflow exists")
		}
		p.send()
		p.waitVisible("#run")
		address := evaluate[string](p, `document.querySelector("#run").href`)
		if !strings.HasPrefix(address, h.Endpoints.TemporalUI+"/") {
			t.Fatalf("the link leads to %s", address)
		}
		ui := openTab(t, h.chromium, address)
		ui.do(chromedp.Navigate(address))
		ui.waitText("main", evaluate[string](p, `decodeURIComponent(document.querySelector("#run").href.split("/").pop())`))
		ui.waitText("main", "AnnotatePicture")
		ui.waitText("main", h.Endpoints.Bucket) // in the input, which the codec has decrypted
	})
	parallel(t, "unknown_picture_ID_produces_explanation", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.do(chromedp.Navigate(p.site + "/#nobody"))
		p.waitText("#title", "leads to no picture")
		p.waitText("#lead", "whole link")
	})
}

func testReload(t *testing.T, h pageEnv) {
	t.Run("reload_during_retries_shows_step_error_and_continues", func(t *testing.T) {
		p := h.visit(t)
		h.Vision.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "quota"})
		t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
		p.choose(portrait)
		p.click("#send")
		p.waitVisible(`#steps [data-step="presign"][data-status="done"]`, `#steps [data-step="annotate"][data-status="retrying"]`)
		p.do(chromedp.Reload())
		p.waitVisible(`#steps [data-step="annotate"][data-status="retrying"]`, "#image")
		p.waitText("#reason", "quota")
		p.waitText(`#steps [data-step="annotate"] .detail`, "Attempt")
		p.screenshot("retrying")
		h.Vision.SetFault(annotator.Fault{})
		p.waitVisible(allDone, "#overlay polygon")
	})
}

func testWaitingFor(t *testing.T, h pageEnv) {
	parallel(t, "wait_until_midnight_is_shown_in_hours", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if strings.HasSuffix(r.Request.URL, "/events") {
				request.respondStatus(503)
				return
			}
			request.respondJSON(`{"status": "running", "steps": [{"name": "annotate", "cloud": "google", "status": "retrying", "nextAttemptAt": "` +
				time.Now().Add(5*time.Hour).Format(time.RFC3339) + `"}]}`)
		})
		p.do(chromedp.Navigate(p.site + "/#" + h.newLink(t)))
		p.waitText(`#steps [data-step="annotate"] .state`, "Next try in 5 h")
	})
	for name, c := range map[string]struct{ fields, want string }{
		"aws":                     {`"cloud": "google", "waitingFor": "aws"`, "waits for AWS"},
		"google":                  {`"cloud": "google", "waitingFor": "google"`, "waits for Google Cloud"},
		"azure":                   {`"cloud": "google", "waitingFor": "azure"`, "waits for Azure"},
		"temporal":                {`"cloud": "google", "waitingFor": "temporal"`, "waits for Temporal"},
		"absent_means_step_cloud": {`"cloud": "azure"`, "waits for Azure"},
	} {
		parallel(t, "title_names_cloud_of_waitingFor_"+name, func(t *testing.T) {
			p := newTab(t, h.chromium, h.deployedURL)
			p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
				if strings.HasSuffix(r.Request.URL, "/events") {
					request.respondStatus(503)
					return
				}
				request.respondJSON(`{"status": "running", "steps": [{"name": "annotate", "status": "retrying", "error": "S3 is down; Triptych tries again", ` + c.fields + `}]}`)
			})
			p.do(chromedp.Navigate(p.site + "/#" + h.newLink(t)))
			p.waitText("#title", c.want)
			if reason := evaluate[string](p, `document.querySelector("#reason").textContent`); reason != "S3 is down; Triptych tries again." {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}
