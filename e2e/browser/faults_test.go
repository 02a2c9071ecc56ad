package main

import (
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func testFaults(t *testing.T, h house) {
	for _, c := range []struct{ cloud, step string }{{"aws", "presign"}, {"google", "annotate"}, {"azure", "persist"}} {
		t.Run("a_picture_waits_for_"+c.cloud+"_whose_plug_is_pulled_and_arrives_when_it_is_back", func(t *testing.T) {
			p := h.visit(t)
			plug := `.plug[data-cloud="` + c.cloud + `"] [data-fault="down"]`
			p.click(plug)
			p.see(plug + `[aria-pressed="true"]`)
			p.choose(portrait)
			p.click("#send")
			p.see(`#steps [data-step="` + c.step + `"][data-status="retrying"]`)
			p.reads(`#steps [data-step="`+c.step+`"] .detail`, "Attempt ")
			p.shoot("plug-" + c.cloud)
			p.click(plug)
			p.see(plug+`[aria-pressed="false"]`, allDone)
		})
	}
	for _, c := range []struct{ cloud, step, says string }{
		{"aws", "presign", "answered 503"}, {"google", "annotate", "quota for Cloud Vision"}, {"azure", "persist", "request units"},
	} {
		t.Run("a_picture_waits_for_"+c.cloud+"_that_throttles_and_says_so", func(t *testing.T) {
			p := h.visit(t)
			throttle := `.plug[data-cloud="` + c.cloud + `"] [data-fault="throttle"]`
			p.click(throttle)
			p.see(throttle + `[aria-pressed="true"]`)
			p.choose(portrait)
			p.click("#send")
			p.reads(`#steps [data-step="`+c.step+`"] .detail`, c.says)
			p.reads(`#steps [data-step="`+c.step+`"] .state`, "Next try in")
			p.click(throttle)
			p.see(throttle+`[aria-pressed="false"]`, allDone)
		})
	}
	t.Run("a_picture_that_AWS_does_not_hand_out_waits_for_AWS_and_not_for_Google", func(t *testing.T) {
		p := h.visit(t)
		google, aws := `.plug[data-cloud="google"] [data-fault="down"]`, `.plug[data-cloud="aws"] [data-fault="down"]`
		p.click(google)
		p.see(google + `[aria-pressed="true"]`)
		p.choose(portrait)
		p.click("#send")
		p.reads("#title", "waits for Google Cloud")
		p.click(aws)
		p.see(aws + `[aria-pressed="true"]`)
		p.click(google)
		p.reads("#title", "waits for AWS")
		p.reads(`#steps [data-step="annotate"] .detail`, "S3 is unavailable")
		p.shoot("waits-for-aws")
		p.click(aws)
		p.see(allDone)
	})
	t.Run("a_slow_cloud_is_only_slow", func(t *testing.T) {
		p := h.visit(t)
		slow := `.plug[data-cloud="google"] [data-fault="slow"]`
		p.click(slow)
		p.see(slow + `[aria-pressed="true"]`)
		p.choose(portrait)
		p.click("#send")
		p.reads(`#steps [data-step="annotate"] .state`, "Working for")
		p.shoot("waiting")
		p.click(slow)
		p.see(allDone)
	})
	t.Run("without_Temporal_the_page_says_so_and_goes_on_when_it_is_back", func(t *testing.T) {
		p := h.visit(t)
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.choose(portrait)
		p.click("#send")
		p.see(allDone)
		p.click(plug)
		p.see(plug + `[aria-pressed="true"]`)
		p.click("#again")
		p.choose(portrait)
		p.click("#send")
		p.reads("#lead", "Temporal does not answer")
		p.shoot("no-temporal")
		p.click(plug)
		p.see(plug+`[aria-pressed="false"]`, allDone)
	})
}

func testSwitches(t *testing.T, h house) {
	t.Run("a_plug_that_someone_else_pulled_is_seen_when_the_page_is_looked_at_again", func(t *testing.T) {
		p, other := h.visit(t), h.visit(t)
		const slow = `.plug[data-cloud="azure"] [data-fault="slow"]`
		p.see(slow)
		for _, pressed := range []string{"true", "false"} {
			other.click(slow)
			other.see(slow + `[aria-pressed="` + pressed + `"]`)
			evaluate[bool](p, `document.dispatchEvent(new Event("visibilitychange"))`)
			p.see(slow + `[aria-pressed="` + pressed + `"]`)
		}
	})
}

func testNoFaults(t *testing.T, h house) {
	meanwhile(t, "a_site_that_brings_no_switches_has_none", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		asked := make(chan int64, 1)
		p.intercept("*/local/*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, answer answers) {
			asked <- r.ResponseStatusCode
			answer.goOn()
		})
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		if status := receive(p, asked); status != 404 {
			t.Errorf("the site itself answers %d", status)
		}
		p.withoutSwitches()
	})
	meanwhile(t, "in_the_cloud_they_are_not_even_asked_for", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		p.intercept("*/local/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			t.Errorf("%s is asked for", r.Request.URL)
			answer.goOn()
		})
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		p.click("#agree")
		p.see("#start")
		p.withoutSwitches()
	})
}

func (p tab) withoutSwitches() {
	p.Helper()
	if n := evaluate[int](p, `document.querySelectorAll(".plug, #temporal, [data-fault]").length`); n != 0 {
		p.Errorf("%d switches", n)
	}
}
