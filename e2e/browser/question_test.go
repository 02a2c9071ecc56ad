package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testOnlyCopy(t *testing.T, h pagetest.Env) {
	for name, c := range map[string]struct{ leave, next string }{
		"home":               {`document.querySelector("#home").click(), true`, "#start"},
		"dropping_a_picture": {pagetest.DispatchFile("drop", "image/png"), "#review"},
		"pasting_a_picture":  {pagetest.DispatchFile("paste", "image/png"), "#review"},
	} {
		pagetest.Parallel(t, "photo_from_the_camera_is_lost_only_after_a_question_when_"+name, func(t *testing.T) {
			p := openCamera(t, h)
			p.Shoot()
			before := pagetest.Evaluate[string](p, `document.querySelector("#image").src`)
			pagetest.Evaluate[bool](p, c.leave)
			p.WaitText("#confirm-text", "Only this page has it.")
			p.Click("#confirm-keep")
			p.WaitVisible("#review")
			if after := pagetest.Evaluate[string](p, `document.querySelector("#image").src`); after != before {
				t.Error("the photo is no longer in view")
			}
			pagetest.Evaluate[bool](p, c.leave)
			p.Click("#confirm-act")
			p.WaitVisible(c.next)
			p.WaitUntil(`document.querySelector("#image").src !== ` + pagetest.Quoted(before))
		})
	}
}

func testConfirmation(t *testing.T, h pagetest.Env) {
	for _, event := range []string{"drop", "paste"} {
		pagetest.Parallel(t, event+"_behind_an_open_question_is_ignored", func(t *testing.T) {
			p := h.Visit(t)
			p.Choose(pagetest.Portrait)
			pagetest.Evaluate[bool](p, `document.querySelector("#confirm").showModal() ?? (window.Worker = class { constructor() { window.read = true; } }, true)`)
			dispatchFile(p, event, "image/png")
			if pagetest.Evaluate[bool](p, `Boolean(window.read)`) {
				t.Error("the page reads the file")
			}
		})
	}
	pagetest.Parallel(t, "back_button_closes_an_open_question", func(t *testing.T) {
		p := openCamera(t, h)
		p.Shoot()
		p.Click("#home")
		p.WaitVisible("#confirm")
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#start")
		if pagetest.Evaluate[bool](p, `document.querySelector("#confirm").open`) {
			t.Error("the question is open")
		}
	})
}
