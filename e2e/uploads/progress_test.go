package uploads

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"google.golang.org/grpc/codes"

	"triptych/e2e/pagetest"
	"triptych/emulators/vision/annotator"
)

func testProgress(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "refused_event_stream_makes_page_poll_immediately", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(503) })
		p.Do(chromedp.Navigate(p.Site))
		pagetest.Evaluate[bool](p, `window.setTimeout = () => 0, true`) // timers never fire
		pagetest.Evaluate[bool](p, `location.hash = "`+h.NewLink(t)+`", true`)
		p.WaitText("#title", "Waiting for the picture")
	})
	pagetest.Parallel(t, "polling_backs_off_to_30_seconds", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/events", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(503) })
		p.Do(chromedp.Navigate(p.Site))
		// Record the delay of each timer except for IndexedDB's timeout, and run timers 1000 times as fast.
		pagetest.Evaluate[bool](p, `window.waits = [], window.setTimeout = ((wait) => (then, ms) => (ms === 3000 || waits.push(ms), wait(then, ms / 1000)))(setTimeout), true`)
		pagetest.Evaluate[bool](p, `location.hash = "`+h.NewLink(t)+`", true`)
		p.WaitUntil(`waits.filter((ms) => ms === 30_000).length >= 3`)
		waits := pagetest.Evaluate[[]int](p, `[...new Set(waits)]`)
		if !slices.IsSorted(waits) || slices.Max(waits) != 30_000 || waits[0] < 1000 {
			t.Errorf("the pauses are %v ms", waits)
		}
	})
	pagetest.Parallel(t, "interrupted_event_stream_reconnects", func(t *testing.T) {
		p := h.Visit(t)
		var streams atomic.Int32
		p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			_, part, _ := strings.Cut(strings.TrimPrefix(r.Request.URL, p.Site+"/api/pictures/"), "/")
			switch {
			case part == "": // a poll, which would show the result without a stream
				request.RespondStatus(503)
			case part == "events" && streams.Add(1) == 1:
				request.Reset()
			default:
				request.Pass()
			}
		})
		p.Send()
	})
	pagetest.Parallel(t, "local_page_links_to_workflow_in_Temporal_UI", func(t *testing.T) {
		p := h.Visit(t)
		if pagetest.Evaluate[bool](p, `Boolean(document.querySelector("#run")?.checkVisibility())`) {
			t.Error("the link is visible before the workflow exists")
		}
		p.Send()
		p.WaitVisible("#run")
		address := pagetest.Evaluate[string](p, `document.querySelector("#run").href`)
		if !strings.HasPrefix(address, h.Endpoints.TemporalUI+"/") {
			t.Fatalf("the link leads to %s", address)
		}
		ui := pagetest.OpenTab(t, h.Chromium, address)
		ui.Do(chromedp.Navigate(address))
		ui.WaitText("main", pagetest.Evaluate[string](p, `decodeURIComponent(document.querySelector("#run").href.split("/").pop())`))
		ui.WaitText("main", "AnnotatePicture")
		ui.WaitText("main", h.Endpoints.Bucket) // in the input, which the codec has decrypted
	})
	pagetest.Parallel(t, "unknown_picture_ID_produces_explanation", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Do(chromedp.Navigate(p.Site + "/#nobody"))
		p.WaitText("#title", "leads to no picture")
		p.WaitText("#lead", "whole link")
	})
}

func testReload(t *testing.T, h pagetest.Env) {
	t.Run("reload_during_retries_shows_step_error_and_continues", func(t *testing.T) {
		p := h.Visit(t)
		h.Vision.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "quota"})
		t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitVisible(`#steps [data-step="presign"][data-status="done"]`, `#steps [data-step="annotate"][data-status="retrying"]`)
		p.Do(chromedp.Reload())
		p.WaitVisible(`#steps [data-step="annotate"][data-status="retrying"]`, "#image")
		p.WaitText("#reason", "quota")
		p.WaitText(`#steps [data-step="annotate"] .detail`, "Attempt")
		p.Screenshot("retrying")
		h.Vision.SetFault(annotator.Fault{})
		p.WaitVisible(pagetest.AllDone, "#overlay polygon")
	})
}

func testWaitingFor(t *testing.T, h pagetest.Env) {
	for name, offset := range map[string]string{"fast": "3_600_000", "slow": "-3_600_000"} {
		pagetest.Parallel(t, name+"_clock_of_the_device_changes_no_duration_and_shows_the_next_try_in_its_own_time", func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
			nextTry := time.Now().Add(5 * time.Hour).Truncate(time.Minute).Add(30 * time.Second) // the page shows the minute
			p.AddInitScript(`Date.now = ((now) => () => now() + ` + offset + `)(Date.now)`)
			p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
				if strings.HasSuffix(r.Request.URL, "/events") {
					request.RespondStatus(503)
					return
				}
				now := time.Now()
				body := fmt.Sprintf(`{"status": "running", "steps": [{"name": "presign", "cloud": "aws", "status": "retrying", "nextAttemptAt": %q},
					{"name": "annotate", "cloud": "google", "status": "running", "startedAt": %q}]}`, nextTry.Format(time.RFC3339), now.Add(-10*time.Minute).Format(time.RFC3339))
				pagetest.Respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.ID, ResponseCode: 200,
					ResponseHeaders: []*fetch.HeaderEntry{{Name: "Date", Value: now.UTC().Format(http.TimeFormat)}}, Body: []byte(body)})
			})
			p.Do(chromedp.Navigate(p.Site + "/#" + h.NewLink(t)))
			p.WaitText(`#steps [data-step="annotate"] .state`, "Working for 10 min")
			p.WaitText(`#steps [data-step="presign"] .state`, "Next try in 5 h")
			byDevice := pagetest.Evaluate[string](p, fmt.Sprintf(`new Date(%d + %s).toLocaleTimeString("en-US", {timeStyle: "short"})`, nextTry.UnixMilli(), offset))
			p.WaitText("#next", "The next try is at "+byDevice)
		})
	}
	pagetest.Parallel(t, "wait_until_midnight_is_shown_in_hours", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if strings.HasSuffix(r.Request.URL, "/events") {
				request.RespondStatus(503)
				return
			}
			request.RespondJSON(`{"status": "running", "steps": [{"name": "annotate", "cloud": "google", "status": "retrying", "nextAttemptAt": "` +
				time.Now().Add(5*time.Hour).Format(time.RFC3339) + `"}]}`)
		})
		p.Do(chromedp.Navigate(p.Site + "/#" + h.NewLink(t)))
		p.WaitText(`#steps [data-step="annotate"] .state`, "Next try in 5 h")
	})
	for name, c := range map[string]struct{ fields, want string }{
		"aws":                     {`"cloud": "google", "waitingFor": "aws"`, "waits for AWS"},
		"google":                  {`"cloud": "google", "waitingFor": "google"`, "waits for Google Cloud"},
		"azure":                   {`"cloud": "google", "waitingFor": "azure"`, "waits for Azure"},
		"temporal":                {`"cloud": "google", "waitingFor": "temporal"`, "waits for Temporal"},
		"absent_means_step_cloud": {`"cloud": "azure"`, "waits for Azure"},
	} {
		pagetest.Parallel(t, "title_names_cloud_of_waitingFor_"+name, func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
			p.Intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
				if strings.HasSuffix(r.Request.URL, "/events") {
					request.RespondStatus(503)
					return
				}
				request.RespondJSON(`{"status": "running", "steps": [{"name": "annotate", "status": "retrying", "error": "S3 is down; Triptych tries again", ` + c.fields + `}]}`)
			})
			p.Do(chromedp.Navigate(p.Site + "/#" + h.NewLink(t)))
			p.WaitText("#title", c.want)
			if reason := pagetest.Evaluate[string](p, `document.querySelector("#reason").textContent`); reason != "S3 is down; Triptych tries again." {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}
