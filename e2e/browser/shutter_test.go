package browser

import (
	"testing"

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

func openCamera(t *testing.T, h pagetest.Env) pagetest.Tab {
	t.Helper()
	p := h.Visit(t)
	p.Click("#open-camera")
	p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
	return p
}
