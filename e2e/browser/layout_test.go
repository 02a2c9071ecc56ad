package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func testResultLayout(t *testing.T, h pageEnv) {
	parallel(t, "phone_shows_the_expression_below_the_picture_without_scrolling", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateTouch))
		p.send()
		p.waitVisible(".faces canvas")
		evaluate[bool](p, `(scrollTo(0, 0), true)`)
		p.screenshot("phone-result")
		order := evaluate[[]float64](p, `["#frame", ".mood", "#findings", "#raw", "#steps", "#temporal"].flatMap((selector) => {
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
	parallel(t, "touch_targets_are_at_least_44_pixels_high", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateTouch))
		const small = `[...document.querySelectorAll("button, summary, select, .button, .toggles label, .check")].filter((target) => target.checkVisibility() && target.offsetHeight < 44).map((target) => target.outerHTML)`
		p.waitUntil(`document.querySelectorAll(".plug button").length === 10`)
		check := func(view string) {
			if found := evaluate[[]string](p, small); len(found) > 0 {
				t.Errorf("small targets in %s: %q", view, found)
			}
		}
		check("start")
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		check("camera")
		p.click("#close-camera")
		p.send()
		p.waitVisible(".faces canvas")
		check("result")
		p.click("#copy-link")
		p.waitVisible("#notice")
		check("notice")
	})
	parallel(t, "wide_screen_is_used", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.EmulateViewport(3840, 2160))
		p.send()
		p.waitVisible(".faces canvas")
		p.screenshot("wide-result")
		used := evaluate[[]float64](p, `[document.querySelector("main").offsetWidth / innerWidth, document.querySelector("#frame").offsetHeight / innerHeight]`)
		if used[0] < .8 || used[1] < .5 {
			t.Errorf("the page takes %.2f of the width, the picture %.2f of the height", used[0], used[1])
		}
	})
	parallel(t, "percentages_are_explained_on_demand", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		if evaluate[bool](p, `document.querySelector("#scores p").checkVisibility()`) {
			t.Error("the explanation is open")
		}
		p.click("#scores summary")
		p.waitVisible("#scores p")
	})
}
