package uploads

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
	"triptych/e2e/siteclient"
)

func testFaults(t *testing.T, h pagetest.Env) {
	for _, c := range []struct{ cloud, step, says string }{
		{"aws", "presign", "status 503"}, {"google", "annotate", "quota for Cloud Vision"}, {"azure", "persist", "request units"},
	} {
		t.Run("picture_reports_throttling_by_"+c.cloud, func(t *testing.T) {
			p := h.Visit(t)
			throttle := `.plug[data-cloud="` + c.cloud + `"] [data-fault="throttle"]`
			p.Click(throttle)
			p.WaitVisible(throttle + `[aria-pressed="true"]`)
			p.Choose(pagetest.Portrait)
			p.Click("#send")
			p.WaitText("#reason", c.says)
			p.WaitText(`#steps [data-step="`+c.step+`"] .state`, "Next try in")
			p.Click(throttle)
			p.WaitVisible(throttle+`[aria-pressed="false"]`, pagetest.AllDone)
		})
	}
	t.Run("annotate_step_waits_for_AWS_while_S3_is_down", func(t *testing.T) {
		p := h.Visit(t)
		google, aws := `.plug[data-cloud="google"] [data-fault="down"]`, `.plug[data-cloud="aws"] [data-fault="down"]`
		p.Click(google)
		p.WaitVisible(google + `[aria-pressed="true"]`)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "waits for Google Cloud")
		p.Click(aws)
		p.WaitVisible(aws + `[aria-pressed="true"]`)
		p.Click(google)
		p.WaitText("#title", "waits for AWS")
		p.WaitText("#reason", "S3 is unavailable")
		p.Screenshot("waits-for-aws")
		p.Click(aws)
		p.WaitVisible(pagetest.AllDone)
	})
	t.Run("upload_is_retried_after_S3_reported_a_conflict", func(t *testing.T) {
		if err := h.SetS3Fault(t.Context(), `{"status":409,"operations":["PutObject"],"times":1}`); err != nil {
			t.Fatal(err)
		}
		p := h.Visit(t)
		statuses := make(chan int64, 10)
		p.Intercept("*/"+h.Endpoints.Bucket+"/*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.Request.Method == "PUT" {
				statuses <- r.ResponseStatusCode
			}
			request.Pass()
		})
		p.Send()
		if first, second := pagetest.Receive(p, statuses), pagetest.Receive(p, statuses); first != 409 || second != 200 {
			t.Errorf("S3 responded with %d and %d, want 409 and 200", first, second)
		}
	})
	for _, code := range []string{"RequestTimeout", "IncompleteBody"} {
		t.Run("upload_that_S3_answers_with_"+code+"_is_retried_with_the_same_grant", func(t *testing.T) {
			if err := h.SetS3Fault(t.Context(), `{"status":400,"code":"`+code+`","operations":["PutObject"],"times":1}`); err != nil {
				t.Fatal(err)
			}
			p := h.Visit(t)
			urls := make(chan string, 10)
			p.Intercept("*/"+h.Endpoints.Bucket+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
				if r.Request.Method == "PUT" {
					urls <- r.Request.URL
				}
				request.Pass()
			})
			p.Send()
			if first, second := pagetest.Receive(p, urls), pagetest.Receive(p, urls); first != second {
				t.Errorf("the uploads went to %s and %s, want the same", first, second)
			}
		})
	}
	// S3 answers 403 instead of 404, because web has no s3:ListBucket.
	t.Run("image_that_S3_answers_with_403_is_shown_as_deleted", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		if err := h.SetS3Fault(t.Context(), `{"status":403,"operations":["GetObject"]}`); err != nil {
			t.Fatal(err)
		}
		p.Do(chromedp.Reload())
		p.WaitText("#lead", "has been deleted")
		if err := h.SetS3Fault(t.Context(), `{}`); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("slow_cloud_shows_elapsed_time", func(t *testing.T) {
		p := h.Visit(t)
		slow := `.plug[data-cloud="google"] [data-fault="slow"]`
		p.Click(slow)
		p.WaitVisible(slow + `[aria-pressed="true"]`)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText(`#steps [data-step="annotate"] .state`, "Working for")
		p.Screenshot("waiting")
		p.Click(slow)
		p.WaitVisible(pagetest.AllDone)
	})
	t.Run("page_reports_Temporal_outage_and_continues_after_it", func(t *testing.T) {
		p := h.Visit(t)
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone)
		p.Click(plug)
		p.WaitVisible(plug + `[aria-pressed="true"]`)
		p.Click("#another")
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "Your picture is safe")
		p.WaitText("#lead", "Temporal does not answer")
		p.WaitVisible("#image")
		p.Screenshot("no-temporal")
		p.Click(plug)
		p.WaitVisible(plug+`[aria-pressed="false"]`, pagetest.AllDone)
	})
}

func testSwitches(t *testing.T, h pagetest.Env) {
	t.Run("switch_changed_in_another_tab_updates_when_page_becomes_visible", func(t *testing.T) {
		p, other := h.Visit(t), h.Visit(t)
		const slow = `.plug[data-cloud="azure"] [data-fault="slow"]`
		p.WaitVisible(slow)
		for _, pressed := range []string{"true", "false"} {
			other.Click(slow)
			other.WaitVisible(slow + `[aria-pressed="` + pressed + `"]`)
			pagetest.Evaluate[bool](p, `document.dispatchEvent(new Event("visibilitychange"))`)
			p.WaitVisible(slow + `[aria-pressed="` + pressed + `"]`)
		}
	})
}

func testSharedSwitches(t *testing.T, h pagetest.Env) {
	t.Run("switch_changed_in_another_tab_of_the_browser_updates_immediately", func(t *testing.T) {
		p := h.Visit(t)
		beside := h.OpenBeside(t, p)
		beside.Do(chromedp.Navigate(p.Site))
		const slow = `.plug[data-cloud="azure"] [data-fault="slow"]`
		p.WaitVisible(slow)
		for _, pressed := range []string{"true", "false"} {
			beside.Click(slow)
			p.WaitVisible(slow + `[aria-pressed="` + pressed + `"]`)
		}
	})
	t.Run("page_opened_during_Temporal_outage_says_that_it_tries_again", func(t *testing.T) {
		p := h.Visit(t)
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.WaitVisible(plug)
		grant, err := siteclient.Site(p.Site).RequestGrant(t.Context(), []byte("never uploaded"))
		if err != nil {
			t.Fatal(err)
		}
		p.Click(plug)
		p.WaitVisible(plug + `[aria-pressed="true"]`)
		pagetest.Evaluate[bool](p, `location.hash = "`+grant.Link+`", true`)
		p.WaitText("#lead", "This page tries again by itself")
		if lead := pagetest.Evaluate[string](p, `document.querySelector("#lead").textContent`); strings.Contains(lead, "seconds") {
			t.Errorf("the page says %q", lead)
		}
		p.Click(plug)
		p.WaitVisible(plug + `[aria-pressed="false"]`)
	})
}

func testNoSwitches(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "site_without_switches_shows_none", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.WebURL)
		statuses := make(chan int64, 1)
		p.Intercept("*/local/*", fetch.RequestStageResponse, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			statuses <- r.ResponseStatusCode
			request.Pass()
		})
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		if status := pagetest.Receive(p, statuses); status != 404 {
			t.Errorf("status is %d, want 404", status)
		}
		expectNoSwitches(p)
	})
	pagetest.Parallel(t, "deployed_page_does_not_request_switches", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/local/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			t.Errorf("unexpected request: %s", r.Request.URL)
			request.Pass()
		})
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		p.Click("#agree")
		p.WaitVisible("#start")
		expectNoSwitches(p)
	})
}

func expectNoSwitches(p pagetest.Tab) {
	p.Helper()
	if n := pagetest.Evaluate[int](p, `document.querySelectorAll(".plug, #temporal, [data-fault]").length`); n != 0 {
		p.Errorf("%d switches, want none", n)
	}
}
