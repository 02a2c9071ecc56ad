package appearance

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testResultLayout(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "phone_shows_the_expression_below_the_picture_without_scrolling", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateTouch))
		p.Send()
		p.WaitVisible(".faces canvas")
		pagetest.Evaluate[bool](p, `(scrollTo(0, 0), true)`)
		p.Screenshot("phone-result")
		order := pagetest.Evaluate[[]float64](p, `["#frame", ".mood", "#findings", "#raw", "#steps", "#temporal"].flatMap((selector) => {
			const {top, bottom} = document.querySelector(selector).getBoundingClientRect();
			return [top, bottom];
		})`)
		for i := range len(order) - 1 {
			if order[i] > order[i+1] {
				t.Errorf("the edges of picture, expression, findings, JSON, steps and Temporal are at %v", order)
			}
		}
		if bottom := order[3]; bottom > 844 {
			t.Errorf("the expression ends at %.0f px", bottom)
		}
	})
	pagetest.Parallel(t, "touch_targets_are_at_least_44_pixels_high", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateTouch))
		const small = `[...document.querySelectorAll("button, summary, select, .button, .toggles label, .check")].filter((target) => target.checkVisibility() && target.offsetHeight < 44).map((target) => target.outerHTML)`
		p.WaitUntil(`document.querySelectorAll(".plug button").length === 10`)
		check := func(view string) {
			if found := pagetest.Evaluate[[]string](p, small); len(found) > 0 {
				t.Errorf("small targets in %s: %q", view, found)
			}
		}
		check("start")
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		check("camera")
		p.Click("#close-camera")
		p.Send()
		p.WaitVisible(".faces canvas")
		check("result")
		p.Click("#copy-link")
		p.WaitVisible("#notice")
		check("notice")
	})
	pagetest.Parallel(t, "wide_screen_is_used", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.EmulateViewport(3840, 2160))
		p.Send()
		p.WaitVisible(".faces canvas")
		p.Screenshot("wide-result")
		used := pagetest.Evaluate[[]float64](p, `[document.querySelector("main").offsetWidth / innerWidth, document.querySelector("#frame").offsetHeight / innerHeight]`)
		if used[0] < .8 || used[1] < .5 {
			t.Errorf("the page takes %.2f of the width, the picture %.2f of the height", used[0], used[1])
		}
	})
	pagetest.Parallel(t, "percentages_are_explained_on_demand", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		if pagetest.Evaluate[bool](p, `document.querySelector("#scores p").checkVisibility()`) {
			t.Error("the explanation is open")
		}
		p.Click("#scores summary")
		p.WaitVisible("#scores p")
	})
}
