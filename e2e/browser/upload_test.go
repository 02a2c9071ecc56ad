package main

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

func testUpload(t *testing.T, h house) {
	bucket := h.Endpoints.S3 + "/*"
	meanwhile(t, "a_connection_cut_after_the_upload_is_tried_again_and_it_arrives_once", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				answer.cut()
				return
			}
			answer.goOn()
		})
		p.send()
		if n := evaluate[string](p, remembered); n != "1" {
			t.Errorf("%s pictures are remembered", n)
		}
	})
	meanwhile(t, "a_connection_cut_before_the_upload_is_said_and_tried_again", func(t *testing.T) {
		p := h.visit(t)
		var said atomic.Bool
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "PUT" && !said.Load() {
				answer.cut()
				return
			}
			answer.goOn()
		})
		p.choose(portrait)
		p.click("#send")
		p.see(`#steps [data-step="presign"][data-status="retrying"]`)
		p.reads("#title", "The upload waits")
		said.Store(true)
		p.see(allDone)
	})
	meanwhile(t, "an_upload_that_stands_still_for_a_minute_is_tried_again", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `(() => {
			const real = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "timeout");
			window.timeouts = [];
			Object.defineProperty(XMLHttpRequest.prototype, "timeout", {set(ms) { timeouts.push(ms); real.set.call(this, ms / 50); }});
			return true;
		})()`)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				return
			}
			answer.goOn()
		})
		p.choose(portrait)
		p.click("#send")
		p.reads("#title", "The upload waits")
		evaluate[bool](p, `delete XMLHttpRequest.prototype.timeout, true`)
		p.see(allDone)
		if waits := evaluate[[]int](p, `timeouts`); waits[0] != 60_000 {
			t.Errorf("it waits %v ms", waits)
		}
	})
	meanwhile(t, "without_a_connection_it_waits_and_goes_on_by_itself", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		p.offline(true)
		p.click("#send")
		p.reads("#lead", "You are offline")
		p.shoot("offline")
		p.offline(false)
		p.see(allDone)
	})
	for name, status := range map[string]int64{"grant": 403, "token": 400} {
		meanwhile(t, "an_expired_"+name+"_is_replaced_and_its_ID_forgotten", func(t *testing.T) {
			p := h.visit(t)
			var puts atomic.Int32
			first := make(chan string, 1)
			p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
				if r.Request.Method == "PUT" && puts.Add(1) == 1 {
					first <- r.Request.URL
					answer.refuse(status)
					return
				}
				answer.goOn()
			})
			p.send()
			p.until(remembered + ` === "1"`)
			ids := evaluate[[]string](p, `import("./album.js").then(({load}) => [location.hash.slice(1), ...load().map(({id}) => id)])`)
			if url := receive(p, first); len(ids) != 2 || ids[0] != ids[1] {
				t.Errorf("after %s the page shows and remembers %v", url, ids)
			}
		})
	}
	meanwhile(t, "a_bucket_that_refuses_every_grant_is_not_asked_for_ever", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "PUT" {
				puts.Add(1)
				answer.refuse(403)
				return
			}
			answer.goOn()
		})
		p.choose(portrait)
		p.click("#send")
		p.reads("#notice p", "answered 403")
		p.see("#review")
		if n := puts.Load(); n != 3 {
			t.Errorf("it was asked %d times", n)
		}
		p.until(`location.hash === "" && ` + remembered + ` === "0"`)
	})
	meanwhile(t, "a_cancelled_upload_that_had_arrived_is_erased_after_a_reload_too", func(t *testing.T) {
		p := h.visit(t)
		arrived := make(chan string, 1)
		var reloaded atomic.Bool
		p.intercept("*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, answer answers) {
			switch {
			case r.Request.Method == "PUT": // is not answered, though it is there
				arrived <- r.Request.URL
			case strings.Contains(r.Request.URL, "/api/pictures/") && !reloaded.Load(): // nor does the page see or erase it
			default:
				answer.goOn()
			}
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, arrived)
		id := evaluate[string](p, `location.hash.slice(1)`)
		p.click("#cancel")
		p.reads("#notice p", "Cancelled")
		if kept := evaluate[string](p, remembered); kept != "1" {
			t.Errorf("%s pictures are remembered before it is seen to be erased", kept)
		}
		reloaded.Store(true)
		p.do(chromedp.Reload())
		p.reads("#notice p", "Erased")
		p.until(remembered + ` === "0"`)
		if status := evaluate[string](p, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "erased" {
			t.Errorf("it is %s", status)
		}
	})
	meanwhile(t, "an_upload_that_turns_out_to_have_arrived_is_not_sent_as_another", func(t *testing.T) {
		p := h.visitDeployed(t)
		puts := p.bucketAnswers(503, 412)
		p.choose(portrait)
		p.click("#send")
		p.reads("#title", "Waiting for the picture to arrive")
		p.sentOnce()
		if n := puts.Load(); n != 2 {
			t.Errorf("%d PUTs", n)
		}
	})
	meanwhile(t, "a_grant_that_is_over_is_not_replaced_when_the_picture_is_known", func(t *testing.T) {
		p := h.visitDeployed(t)
		var grants atomic.Int32
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			switch {
			case r.Request.Method == "PUT":
				answer.refuse(403)
			case strings.HasPrefix(r.Request.URL, h.bucket):
				answer.refuse(200) // to what a browser asks before
			case r.Request.Method == "POST":
				grants.Add(1)
				answer.goOn()
			case strings.Contains(r.Request.URL, "/api/pictures/") && !strings.HasSuffix(r.Request.URL, "/events"):
				answer.tell(`{"status": "running", "steps": []}`)
			default:
				answer.goOn()
			}
		})
		p.choose(portrait)
		p.click("#send")
		p.reads("#title", "On its way")
		p.sentOnce()
		if n := grants.Load(); n != 1 {
			t.Errorf("%d grants", n)
		}
	})
	meanwhile(t, "what_is_sent_is_counted_in_bytes", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		p.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: 20_000})
		p.click("#send")
		p.until(`document.querySelector("#sent").value > 0 && document.querySelector("#sent").value < 1 && /^[1-9]\d* kB of [1-9]\d* kB$/.test(document.querySelector("#bytes").textContent)`)
		p.network(network.Conditions{DownloadThroughput: -1, UploadThroughput: -1})
		p.see(allDone)
	})
	meanwhile(t, "a_picture_that_was_just_sent_is_waited_for_whatever_the_clock_says", func(t *testing.T) {
		p := h.visitDeployed(t)
		p.first(`Date.now = ((now) => () => now() + 20 * 60_000)(Date.now)`)
		p.do(chromedp.Reload())
		p.bucketAnswers(200)
		p.choose(portrait)
		p.click("#send")
		p.reads("#title", "Waiting for the picture to arrive")
	})
	meanwhile(t, "a_cancelled_upload_leaves_nothing_and_can_be_sent_again", func(t *testing.T) {
		p := h.visit(t)
		var puts atomic.Int32
		reached := make(chan bool, 1)
		p.intercept(bucket, fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "PUT" && puts.Add(1) == 1 {
				reached <- true
				return
			}
			answer.goOn()
		})
		p.choose(portrait)
		p.click("#send")
		receive(p, reached)
		p.see("#upload")
		p.shoot("uploading")
		p.click("#cancel")
		p.see("#review", "#notice")
		p.until(`location.hash === "" && ` + remembered + ` === "0"`)
		p.click("#send")
		p.see(allDone)
	})
}

// visitDeployed is the site alone, of which no picture ever arrives.
func (h house) visitDeployed(t *testing.T) tab {
	t.Helper()
	p := newTab(t, h.chromium, h.deployed)
	p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"), chromedp.WaitVisible("#open-camera"))
	return p
}

// bucketAnswers has uploads answered so, one after the other, and the last for ever. It counts them.
func (p tab) bucketAnswers(statuses ...int64) *atomic.Int32 {
	p.Helper()
	var puts atomic.Int32
	p.intercept("*/triptych-pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
		if r.Request.Method != "PUT" {
			answer.refuse(200)
			return
		}
		n := int(puts.Add(1))
		answer.refuse(statuses[min(n, len(statuses))-1])
	})
	return &puts
}

// sentOnce checks that one picture is remembered and nothing is complained of.
func (p tab) sentOnce() {
	p.Helper()
	if n := evaluate[string](p, remembered); n != "1" {
		p.Errorf("%s pictures are remembered", n)
	}
	if notice := evaluate[string](p, `document.querySelector("#notice p").textContent`); notice != "" {
		p.Errorf("it is said that %q", notice)
	}
}

// remembered is how many pictures the browser knows, as a string.
const remembered = `String(JSON.parse(localStorage.getItem("triptych.pictures") ?? "[]").length)`

func (p tab) offline(yes bool) {
	p.Helper()
	p.network(network.Conditions{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1})
}

func (p tab) network(conditions network.Conditions) {
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

// emulateNetwork is the command as every Chromium takes it: up to 148 it wants to be told of offline beside the
// conditions, newer ones only in them.
var emulateNetwork = cdp.Command[emulateNetworkParams, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}

type emulateNetworkParams struct {
	network.EmulateNetworkConditionsByRuleParams
	Offline bool `json:"offline"`
}
