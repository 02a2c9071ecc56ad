package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

// The shutter and "Send it" have the same place, and each gets the focus when it appears.
func testShutter(t *testing.T, h pagetest.Env) {
	const view = `document.body.dataset.view`
	pagetest.Parallel(t, "double_click_on_the_shutter_does_not_send_the_picture", func(t *testing.T) {
		p := openCamera(t, h)
		if got := pagetest.Evaluate[string](p, `new Promise((resolve) => {
			new MutationObserver(() => {
				if (`+view+` === "camera") return;
				document.querySelector("#send").click();
				resolve(`+view+`);
			}).observe(document.body, {attributeFilter: ["data-view"]});
			document.querySelector("#shoot").click();
		})`); got != "review" {
			t.Errorf("a click as soon as the picture is shown leads to the view %q", got)
		}
		p.WaitUntil(pagetest.AcceptsSend)
		if got := pagetest.Evaluate[string](p, `document.querySelector("#send").dispatchEvent(new MouseEvent("click", {detail: 2})) && `+view); got != "review" {
			t.Errorf("the second click of a double click leads to the view %q", got)
		}
	})
	pagetest.Parallel(t, "held_key_neither_takes_nor_sends_a_picture_again", func(t *testing.T) {
		p := openCamera(t, h)
		held := func(key, selector string) string {
			return `document.querySelector("` + selector + `").dispatchEvent(new KeyboardEvent("keydown", {key: "` + key + `", repeat: true, bubbles: true, cancelable: true}))`
		}
		if !pagetest.Evaluate[bool](p, held(" ", "body")+` === false && !document.querySelector("#frame").classList.contains("flash")`) {
			t.Error("a held Space key takes a picture or scrolls the page")
		}
		p.Click("#shoot")
		p.WaitVisible("#review")
		for _, key := range []string{" ", "Enter"} {
			if pagetest.Evaluate[bool](p, held(key, "#send")) {
				t.Errorf("a held key %q presses the button", key)
			}
		}
	})
}

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

func openCamera(t *testing.T, h pagetest.Env) pagetest.Tab {
	t.Helper()
	p := h.Visit(t)
	p.Click("#open-camera")
	p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
	return p
}
