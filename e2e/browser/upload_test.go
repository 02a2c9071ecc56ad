package browser

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func testUpload(t *testing.T, h pageEnv) {
	bucket := h.Endpoints.S3 + "/*"
	parallel(t, "connection_reset_after_upload_is_retried_without_duplicate", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				request.reset()
				return
			}
			request.pass()
		})
		p.send()
		if n := evaluate[string](p, historyLength); n != "1" {
			t.Errorf("%s pictures in the history, want 1", n)
		}
	})
	parallel(t, "connection_reset_before_upload_is_reported_and_retried", func(t *testing.T) {
		p := h.visit(t)
		var reported atomic.Bool
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "PUT" && !reported.Load() {
				request.reset()
				return
			}
			request.pass()
		})
		p.choose(portrait)
		p.click("#send")
		p.waitVisible(`#steps [data-step="presign"][data-status="retrying"]`)
		p.waitText("#title", "The upload waits")
		reported.Store(true)
		p.waitVisible(allDone)
	})
	parallel(t, "upload_without_progress_for_a_minute_is_retried", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `(() => {
			const real = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "timeout");
			window.timeouts = [];
			Object.defineProperty(XMLHttpRequest.prototype, "timeout", {set(ms) { timeouts.push(ms); real.set.call(this, ms / 50); }});
			return true;
		})()`)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				return
			}
			request.pass()
		})
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "The upload waits")
		evaluate[bool](p, `delete XMLHttpRequest.prototype.timeout, true`)
		p.waitVisible(allDone)
		if waits := evaluate[[]int](p, `timeouts`); waits[0] != 60_000 {
			t.Errorf("the timeouts are %v ms, want 60000 first", waits)
		}
	})
	parallel(t, "offline_upload_continues_when_online", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		p.setOffline(true)
		p.click("#send")
		p.waitText("#lead", "You are offline")
		p.screenshot("offline")
		p.setOffline(false)
		p.waitVisible(allDone)
	})
	for name, status := range map[string]int64{"grant": 403, "token": 400} {
		parallel(t, "expired_"+name+"_is_replaced_and_its_ID_removed_from_history", func(t *testing.T) {
			p := h.visit(t)
			var puts atomic.Int32
			first := make(chan string, 1)
			p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
				if r.Request.Method == "PUT" && puts.Add(1) == 1 {
					first <- r.Request.URL
					request.respondStatus(status)
					return
				}
				request.pass()
			})
			p.send()
			p.waitUntil(historyLength + ` === "1"`)
			ids := evaluate[[]string](p, `import("./history.js").then(({load}) => load()).then(({history}) => [location.hash.slice(1), ...history.map(({id}) => id)])`)
			if url := receive(p, first); len(ids) != 2 || ids[0] != ids[1] {
				t.Errorf("after %s the page's ID and the history are %v", url, ids)
			}
		})
	}
	parallel(t, "upload_stops_after_three_refused_grants", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "PUT" {
				puts.Add(1)
				request.respondStatus(403)
				return
			}
			request.pass()
		})
		p.choose(portrait)
		p.click("#send")
		p.waitText("#notice p", "status 403")
		p.waitVisible("#review")
		if n := puts.Load(); n != 3 {
			t.Errorf("%d uploads, want 3", n)
		}
		p.waitUntil(`location.hash === "" && ` + historyLength + ` === "0"`)
	})
	parallel(t, "upload_refused_until_the_next_day_is_explained_and_not_repeated", func(t *testing.T) {
		p := h.visit(t)
		var requests atomic.Int32
		p.intercept("*/api/pictures", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) {
			requests.Add(1)
			respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.id, ResponseCode: 429,
				ResponseHeaders: []*fetch.HeaderEntry{{Name: "Retry-After", Value: "28800"}},
				Body:            []byte(`{"detail": "This site accepts no more pictures today: try again after 00:00 UTC."}`)})
		})
		p.choose(portrait)
		p.click("#send")
		p.waitText("#notice p", "This site accepts no more pictures today: try again after 00:00 UTC.")
		p.waitVisible("#review")
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
	parallel(t, "cancelled_upload_that_arrived_is_erased_after_reload", func(t *testing.T) {
		p := h.visit(t)
		arrived := make(chan string, 1)
		var reloaded atomic.Bool
		p.intercept("*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pausedRequest) {
			switch {
			case r.Request.Method == "PUT": // S3 has the picture, but its response is withheld
				arrived <- r.Request.URL
			case strings.Contains(r.Request.URL, "/api/pictures/") && !reloaded.Load(): // the page can neither see nor erase it
			default:
				request.pass()
			}
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, arrived)
		id := evaluate[string](p, `location.hash.slice(1)`)
		p.click("#cancel")
		p.waitText("#notice p", "Cancelled")
		if count := evaluate[int](p, storedEntries); count != 1 {
			t.Errorf("%d entries in IndexedDB before the erasure is confirmed, want 1", count)
		}
		reloaded.Store(true)
		p.do(chromedp.Reload())
		p.waitText("#notice p", "Erased")
		if count := evaluate[int](p, storedEntries); count != 0 {
			t.Errorf("%d entries in IndexedDB after the erasure, want none", count)
		}
		if status := evaluate[string](p, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "erased" {
			t.Errorf("status is %s, want erased", status)
		}
	})
	parallel(t, "status_412_after_503_counts_as_uploaded", func(t *testing.T) {
		p := h.visitDeployedSite(t)
		puts := p.bucketResponds(503, 412)
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "Waiting for the picture to arrive")
		p.expectOnePicture()
		if n := puts.Load(); n != 2 {
			t.Errorf("%d PUTs", n)
		}
	})
	parallel(t, "expired_grant_is_not_replaced_after_picture_arrived", func(t *testing.T) {
		p := h.visitDeployedSite(t)
		var grants atomic.Int32
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			switch {
			case r.Request.Method == "PUT":
				request.respondStatus(403)
			case strings.HasPrefix(r.Request.URL, h.bucketOrigin):
				request.respondStatus(200) // CORS preflight
			case r.Request.Method == "POST":
				grants.Add(1)
				request.pass()
			case strings.Contains(r.Request.URL, "/api/pictures/") && !strings.HasSuffix(r.Request.URL, "/events"):
				request.respondJSON(`{"status": "running", "steps": []}`)
			default:
				request.pass()
			}
		})
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "On its way")
		p.expectOnePicture()
		if n := grants.Load(); n != 1 {
			t.Errorf("%d grants", n)
		}
	})
	parallel(t, "upload_progress_is_shown_in_bytes", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		p.setConditions(network.Conditions{DownloadThroughput: -1, UploadThroughput: 20_000})
		p.click("#send")
		p.waitUntil(`document.querySelector("#sent").value > 0 && document.querySelector("#sent").value < 1 && /^[1-9]\d* kB of [1-9]\d* kB$/.test(document.querySelector("#bytes").textContent)`)
		p.setConditions(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
		p.waitVisible(allDone)
	})
	parallel(t, "page_waits_for_sent_picture_despite_wrong_clock", func(t *testing.T) {
		p := h.visitDeployedSite(t)
		p.addInitScript(`Date.now = ((now) => () => now() + 20 * 60_000)(Date.now)`)
		p.do(chromedp.Reload())
		p.bucketResponds(200)
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "Waiting for the picture to arrive")
	})
	parallel(t, "cancelled_upload_leaves_nothing_and_can_be_repeated", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		reached := make(chan bool, 1)
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				reached <- true
				return
			}
			request.pass()
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, reached)
		p.waitVisible("#upload")
		p.screenshot("uploading")
		p.click("#cancel")
		p.waitVisible("#review", "#notice")
		p.waitText("#lead", "not completed")
		p.waitUntil(`location.hash === "" && ` + historyLength + ` === "0"`)
		p.click("#send")
		p.waitVisible(allDone)
	})
}

func (h pageEnv) visitDeployedSite(t *testing.T) tab {
	t.Helper()
	p := newTab(t, h.chromium, h.deployedURL)
	p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"), chromedp.WaitVisible("#open-camera"))
	return p
}

// bucketResponds(503, 412) responds to the first PUT with status 503 and to all later PUTs with 412.
func (p tab) bucketResponds(statuses ...int64) *atomic.Int32 {
	p.Helper()
	var puts atomic.Int32
	p.intercept("*/triptych-pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
		if r.Request.Method != "PUT" {
			request.respondStatus(200)
			return
		}
		n := int(puts.Add(1))
		request.respondStatus(statuses[min(n, len(statuses))-1])
	})
	return &puts
}

func (p tab) expectOnePicture() {
	p.Helper()
	if n := evaluate[string](p, historyLength); n != "1" {
		p.Errorf("%s pictures in the history, want 1", n)
	}
	if notice := evaluate[string](p, `document.querySelector("#notice p").textContent`); notice != "" {
		p.Errorf("unexpected notice: %q", notice)
	}
}

const historyLength = `String(document.querySelectorAll("#pictures li").length)`

const storedEntries = `idb.openDB("triptych", 1).then((db) => db.count("pictures").finally(() => db.close()))`

func (p tab) setOffline(yes bool) {
	p.Helper()
	p.setConditions(network.Conditions{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1})
}

func (p tab) setConditions(conditions network.Conditions) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulateNetwork, emulateNetworkParams{
			EmulateNetworkConditionsByRuleParams: network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{&conditions}},
			Offline:                              conditions.Offline,
		})
		if err == nil {
			_, err = cdp.Call(ctx, t, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: conditions.Offline, DownloadThroughput: -1, UploadThroughput: -1})
		}
		return chromedp.Void{}, err
	})
}

// Old versions of Chromium need the field Offline.
var emulateNetwork = cdp.Command[emulateNetworkParams, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}

type emulateNetworkParams struct {
	network.EmulateNetworkConditionsByRuleParams
	Offline bool `json:"offline"`
}
