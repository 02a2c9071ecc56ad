package appearance

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"triptych/e2e/pagetest"
)

func testNotice(t *testing.T, h pagetest.Env) {
	for name, size := range map[string][2]int64{
		"a_page_zoomed_to_400_percent":  {320, 256},
		"a_phone_of_320_x_568_pixels":   {320, 568},
		"a_phone_of_390_x_700_pixels":   {390, 700},
		"a_screen_of_1280_x_720_pixels": {1280, 720},
	} {
		pagetest.Parallel(t, "long_notice_on_"+name+"_fits_and_hides_no_focused_control", func(t *testing.T) {
			p := h.Visit(t, "de")
			p.Send()
			p.WaitVisible("#overlay polygon")
			p.Do(chromedp.EmulateViewport(size[0], size[1]))
			pagetest.Evaluate[bool](p, `Promise.all([import("./state.js"), import("./de.js")]).then(([{set}, {default: texts}]) => {
				const [text] = Object.values(texts).sort((a, b) => b.length - a.length);
				set({notice: {text, action: texts["Choose a picture"], then: "choose"}});
				return true;
			})`)
			if top := pagetest.Evaluate[float64](p, `document.querySelector("#notice").getBoundingClientRect().top`); top < 0 {
				t.Errorf("the notice begins %.0f px above the screen", -top)
			}
			for range 40 {
				p.Do(chromedp.KeyEvent(kb.Tab))
				if hidden := pagetest.Evaluate[string](p, hiddenFocus); hidden != "" {
					t.Errorf("the notice hides the focused element %s", hidden)
				}
			}
			p.Screenshot("notice-on-" + name)
			p.Do(chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#notice"))
		})
	}
}

// hiddenFocus is the focused element if the notice hides it, or it is outside the screen.
const hiddenFocus = `(() => {
	const focused = document.activeElement, {x, y, width, height} = focused.getBoundingClientRect();
	if (focused === document.body || focused.closest("#notice")) return "";
	const seen = document.elementFromPoint(x + width / 2, Math.max(y, 0) + Math.min(height, 40) / 2);
	return seen && !seen.closest("#notice") ? "" : focused.outerHTML.slice(0, 100);
})()`
