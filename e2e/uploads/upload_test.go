package uploads

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testUpload(t *testing.T, h pagetest.Env) {
	bucket := h.Endpoints.S3 + "/*"
	pagetest.Parallel(t, "connection_reset_after_upload_is_retried_without_duplicate", func(t *testing.T) {
		p := h.Visit(t)
		var puts atomic.Int32
		p.Intercept(bucket, fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				request.Reset()
				return
			}
			request.Pass()
		})
		p.Send()
		if n := pagetest.Evaluate[string](p, historyLength); n != "1" {
			t.Errorf("%s pictures in the history, want 1", n)
		}
	})
	pagetest.Parallel(t, "upload_without_progress_for_a_minute_is_retried", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `(() => {
			const real = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "timeout");
			window.timeouts = [];
			Object.defineProperty(XMLHttpRequest.prototype, "timeout", {set(ms) { timeouts.push(ms); real.set.call(this, ms / 50); }});
			return true;
		})()`)
		var puts atomic.Int32
		p.Intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				return
			}
			request.Pass()
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "The upload waits")
		pagetest.Evaluate[bool](p, `delete XMLHttpRequest.prototype.timeout, true`)
		p.WaitVisible(pagetest.AllDone)
		if waits := pagetest.Evaluate[[]int](p, `timeouts`); waits[0] != 60_000 {
			t.Errorf("the timeouts are %v ms, want 60000 first", waits)
		}
	})
	for name, status := range map[string]int64{"grant": 403, "token": 400} {
		pagetest.Parallel(t, "expired_"+name+"_is_replaced_and_its_ID_removed_from_history", func(t *testing.T) {
			p := h.Visit(t)
			var puts atomic.Int32
			first := make(chan string, 1)
			p.Intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
				if r.Request.Method == "PUT" && puts.Add(1) == 1 {
					first <- r.Request.URL
					request.RespondStatus(status)
					return
				}
				request.Pass()
			})
			p.Send()
			p.WaitUntil(historyLength + ` === "1"`)
			ids := pagetest.Evaluate[[]string](p, `import("./history.js").then(({load}) => load()).then(({history}) => [location.hash.slice(1), ...history.map(({id}) => id)])`)
			if url := pagetest.Receive(p, first); len(ids) != 2 || ids[0] != ids[1] {
				t.Errorf("after %s the page's ID and the history are %v", url, ids)
			}
		})
	}
	pagetest.Parallel(t, "upload_refused_until_the_next_day_is_explained_and_not_repeated", func(t *testing.T) {
		p := h.Visit(t)
		var requests atomic.Int32
		p.Intercept("*/api/pictures", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			requests.Add(1)
			pagetest.Respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.ID, ResponseCode: 429,
				ResponseHeaders: []*fetch.HeaderEntry{{Name: "Retry-After", Value: "28800"}},
				Body:            []byte(`{"detail": "This site accepts no more pictures today: try again after 00:00 UTC."}`)})
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#notice p", "This site accepts no more pictures today: try again after 00:00 UTC.")
		p.WaitVisible("#review")
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
	pagetest.Parallel(t, "cancelled_upload_that_arrived_is_erased_after_reload", func(t *testing.T) {
		p := h.Visit(t)
		arrived := make(chan string, 1)
		var reloaded atomic.Bool
		p.Intercept("*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			switch {
			case r.Request.Method == "PUT": // S3 has the picture, but its response is withheld
				arrived <- r.Request.URL
			case strings.Contains(r.Request.URL, "/api/pictures/") && !reloaded.Load(): // the page can neither see nor erase it
			default:
				request.Pass()
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, arrived)
		id := pagetest.Evaluate[string](p, `location.hash.slice(1)`)
		p.Click("#cancel")
		p.WaitText("#notice p", "Cancelled")
		if count := pagetest.Evaluate[int](p, storedEntries); count != 1 {
			t.Errorf("%d entries in IndexedDB before the erasure is confirmed, want 1", count)
		}
		reloaded.Store(true)
		p.Do(chromedp.Reload())
		p.WaitText("#notice p", "Erased")
		if count := pagetest.Evaluate[int](p, storedEntries); count != 0 {
			t.Errorf("%d entries in IndexedDB after the erasure, want none", count)
		}
		if status := pagetest.Evaluate[string](p, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "erased" {
			t.Errorf("status is %s, want erased", status)
		}
	})
	pagetest.Parallel(t, "status_412_after_503_counts_as_uploaded", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		puts := bucketResponds(p, 503, 412)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "AWS has your picture")
		p.WaitText("#lead", "You can close this page.")
		expectOnePicture(p)
		if n := puts.Load(); n != 2 {
			t.Errorf("%d PUTs", n)
		}
	})
	pagetest.Parallel(t, "expired_grant_is_not_replaced_after_picture_arrived", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		var grants atomic.Int32
		p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			switch {
			case r.Request.Method == "PUT":
				request.RespondStatus(403)
			case strings.HasPrefix(r.Request.URL, h.BucketOrigin):
				request.RespondStatus(200) // CORS preflight
			case r.Request.Method == "POST":
				grants.Add(1)
				request.Pass()
			case strings.Contains(r.Request.URL, "/api/pictures/") && !strings.HasSuffix(r.Request.URL, "/events"):
				request.RespondJSON(`{"status": "running", "steps": []}`)
			default:
				request.Pass()
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "On its way")
		expectOnePicture(p)
		if n := grants.Load(); n != 1 {
			t.Errorf("%d grants", n)
		}
	})
	pagetest.Parallel(t, "picture_that_the_browser_cannot_read_any_more_is_reported_and_not_retried", func(t *testing.T) {
		p := h.Visit(t)
		p.Choose(pagetest.Portrait)
		pagetest.Evaluate[bool](p, `Blob.prototype.arrayBuffer = async () => { throw new DOMException("", "NotFoundError"); }, XMLHttpRequest.prototype.send = function () { this.onloadend(); }, true`)
		p.Click("#send")
		p.WaitText("#notice p", "has lost the picture")
		p.WaitVisible("#review")
	})
	pagetest.Parallel(t, "upload_progress_is_shown_in_bytes", func(t *testing.T) {
		p := h.Visit(t)
		p.Choose(pagetest.Portrait)
		setConditions(p, network.Conditions{DownloadThroughput: -1, UploadThroughput: 20_000})
		p.Click("#send")
		p.WaitUntil(`document.querySelector("#sent").value > 0 && document.querySelector("#sent").value < 1 && /^[1-9]\d* kB of [1-9]\d* kB$/.test(document.querySelector("#bytes").textContent)`)
		setConditions(p, network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
		p.WaitVisible(pagetest.AllDone)
	})
	pagetest.Parallel(t, "page_waits_for_sent_picture_despite_wrong_clock", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		p.AddInitScript(`Date.now = ((now) => () => now() + 20 * 60_000)(Date.now)`)
		p.Do(chromedp.Reload())
		bucketResponds(p, 200)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "AWS has your picture")
		p.WaitText("#lead", "You can close this page.")
	})
}

func visitDeployedSite(t *testing.T, h pagetest.Env) pagetest.Tab {
	t.Helper()
	p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
	p.Do(chromedp.Navigate(p.Site), chromedp.Click("#agree"), chromedp.WaitVisible("#open-camera"))
	return p
}

// bucketResponds(503, 412) responds to the first PUT with status 503 and to all later PUTs with 412.
func bucketResponds(p pagetest.Tab, statuses ...int64) *atomic.Int32 {
	p.Helper()
	var puts atomic.Int32
	p.Intercept("*/triptych-pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		if r.Request.Method != "PUT" {
			request.RespondStatus(200)
			return
		}
		n := int(puts.Add(1))
		request.RespondStatus(statuses[min(n, len(statuses))-1])
	})
	return &puts
}

func expectOnePicture(p pagetest.Tab) {
	p.Helper()
	if n := pagetest.Evaluate[string](p, historyLength); n != "1" {
		p.Errorf("%s pictures in the history, want 1", n)
	}
	if notice := pagetest.Evaluate[string](p, `document.querySelector("#notice p").textContent`); notice != "" {
		p.Errorf("unexpected notice: %q", notice)
	}
}

const historyLength = `String(document.querySelectorAll("#pictures li").length)`

const storedEntries = `idb.openDB("triptych", 1).then((db) => db.count("pictures").finally(() => db.close()))`

func setOffline(p pagetest.Tab, yes bool) {
	p.Helper()
	setConditions(p, network.Conditions{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1})
}

func setConditions(p pagetest.Tab, conditions network.Conditions) {
	p.Helper()
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
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

// emulateNetwork also sends the field Offline, which old versions of Chromium require.
var emulateNetwork = cdp.Command[emulateNetworkParams, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}

type emulateNetworkParams struct {
	network.EmulateNetworkConditionsByRuleParams
	Offline bool `json:"offline"`
}
