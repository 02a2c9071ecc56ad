package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/siteclient"
)

func testFaults(t *testing.T, h pageEnv) {
	for _, c := range []struct{ cloud, step string }{{"aws", "presign"}, {"google", "annotate"}, {"azure", "persist"}} {
		t.Run("picture_waits_while_"+c.cloud+"_is_down_and_arrives_afterwards", func(t *testing.T) {
			p := h.visit(t)
			plug := `.plug[data-cloud="` + c.cloud + `"] [data-fault="down"]`
			p.click(plug)
			p.waitVisible(plug + `[aria-pressed="true"]`)
			p.choose(portrait)
			p.click("#send")
			p.waitVisible(`#steps [data-step="` + c.step + `"][data-status="retrying"]`)
			p.waitText(`#steps [data-step="`+c.step+`"] .detail`, "Attempt ")
			p.waitVisible("#image")
			p.screenshot("plug-" + c.cloud)
			p.click(plug)
			p.waitVisible(plug+`[aria-pressed="false"]`, allDone)
		})
	}
	for _, c := range []struct{ cloud, step, says string }{
		{"aws", "presign", "status 503"}, {"google", "annotate", "quota for Cloud Vision"}, {"azure", "persist", "request units"},
	} {
		t.Run("picture_reports_throttling_by_"+c.cloud, func(t *testing.T) {
			p := h.visit(t)
			throttle := `.plug[data-cloud="` + c.cloud + `"] [data-fault="throttle"]`
			p.click(throttle)
			p.waitVisible(throttle + `[aria-pressed="true"]`)
			p.choose(portrait)
			p.click("#send")
			p.waitText("#reason", c.says)
			p.waitText(`#steps [data-step="`+c.step+`"] .state`, "Next try in")
			p.click(throttle)
			p.waitVisible(throttle+`[aria-pressed="false"]`, allDone)
		})
	}
	t.Run("annotate_step_waits_for_AWS_while_S3_is_down", func(t *testing.T) {
		p := h.visit(t)
		google, aws := `.plug[data-cloud="google"] [data-fault="down"]`, `.plug[data-cloud="aws"] [data-fault="down"]`
		p.click(google)
		p.waitVisible(google + `[aria-pressed="true"]`)
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "waits for Google Cloud")
		p.click(aws)
		p.waitVisible(aws + `[aria-pressed="true"]`)
		p.click(google)
		p.waitText("#title", "waits for AWS")
		p.waitText("#reason", "S3 is unavailable")
		p.screenshot("waits-for-aws")
		p.click(aws)
		p.waitVisible(allDone)
	})
	t.Run("slow_cloud_shows_elapsed_time", func(t *testing.T) {
		p := h.visit(t)
		slow := `.plug[data-cloud="google"] [data-fault="slow"]`
		p.click(slow)
		p.waitVisible(slow + `[aria-pressed="true"]`)
		p.choose(portrait)
		p.click("#send")
		p.waitText(`#steps [data-step="annotate"] .state`, "Working for")
		p.screenshot("waiting")
		p.click(slow)
		p.waitVisible(allDone)
	})
	t.Run("page_reports_Temporal_outage_and_continues_after_it", func(t *testing.T) {
		p := h.visit(t)
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.choose(portrait)
		p.click("#send")
		p.waitVisible(allDone)
		p.click(plug)
		p.waitVisible(plug + `[aria-pressed="true"]`)
		p.click("#another")
		p.choose(portrait)
		p.click("#send")
		p.waitText("#title", "Your picture is safe")
		p.waitText("#lead", "Temporal does not answer")
		p.waitVisible("#image")
		p.screenshot("no-temporal")
		p.click(plug)
		p.waitVisible(plug+`[aria-pressed="false"]`, allDone)
	})
}

func testSwitches(t *testing.T, h pageEnv) {
	t.Run("switch_changed_in_another_tab_updates_when_page_becomes_visible", func(t *testing.T) {
		p, other := h.visit(t), h.visit(t)
		const slow = `.plug[data-cloud="azure"] [data-fault="slow"]`
		p.waitVisible(slow)
		for _, pressed := range []string{"true", "false"} {
			other.click(slow)
			other.waitVisible(slow + `[aria-pressed="` + pressed + `"]`)
			evaluate[bool](p, `document.dispatchEvent(new Event("visibilitychange"))`)
			p.waitVisible(slow + `[aria-pressed="` + pressed + `"]`)
		}
	})
}

func testSharedSwitches(t *testing.T, h pageEnv) {
	t.Run("switch_changed_in_another_tab_of_the_browser_updates_at_once", func(t *testing.T) {
		p := h.visit(t)
		beside := h.openBeside(t, p)
		beside.do(chromedp.Navigate(p.site))
		const slow = `.plug[data-cloud="azure"] [data-fault="slow"]`
		p.waitVisible(slow)
		for _, pressed := range []string{"true", "false"} {
			beside.click(slow)
			p.waitVisible(slow + `[aria-pressed="` + pressed + `"]`)
		}
	})
	t.Run("page_opened_during_Temporal_outage_says_that_it_tries_again", func(t *testing.T) {
		p := h.visit(t)
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.waitVisible(plug)
		grant, err := siteclient.Site(p.site).RequestGrant(t.Context(), []byte("never uploaded"))
		if err != nil {
			t.Fatal(err)
		}
		p.click(plug)
		p.waitVisible(plug + `[aria-pressed="true"]`)
		evaluate[bool](p, `location.hash = "`+grant.Link+`", true`)
		p.waitText("#lead", "This page tries again by itself")
		if lead := evaluate[string](p, `document.querySelector("#lead").textContent`); strings.Contains(lead, "seconds") {
			t.Errorf("the page says %q", lead)
		}
		p.click(plug)
		p.waitVisible(plug + `[aria-pressed="false"]`)
	})
}

func testNoSwitches(t *testing.T, h pageEnv) {
	parallel(t, "site_without_switches_shows_none", func(t *testing.T) {
		p := newTab(t, h.chromium, h.webURL)
		statuses := make(chan int64, 1)
		p.intercept("*/local/*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pausedRequest) {
			statuses <- r.ResponseStatusCode
			request.pass()
		})
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		if status := receive(p, statuses); status != 404 {
			t.Errorf("status is %d, want 404", status)
		}
		p.expectNoSwitches()
	})
	parallel(t, "deployed_page_does_not_request_switches", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/local/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			t.Errorf("unexpected request: %s", r.Request.URL)
			request.pass()
		})
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		p.click("#agree")
		p.waitVisible("#start")
		p.expectNoSwitches()
	})
}

func (p tab) expectNoSwitches() {
	p.Helper()
	if n := evaluate[int](p, `document.querySelectorAll(".plug, #temporal, [data-fault]").length`); n != 0 {
		p.Errorf("%d switches, want none", n)
	}
}
