package main

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func testNotice(t *testing.T, h house) {
	meanwhile(t, "the_notice_comes_before_the_first_picture_and_is_remembered", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		if evaluate[bool](p, `document.querySelector("#start").checkVisibility()`) {
			t.Error("a picture can be taken before the notice is agreed to")
		}
		if n := evaluate[int](p, `localStorage.length`); n != 0 {
			t.Errorf("%d things are kept before it is agreed to", n)
		}
		p.shoot("notice")
		p.click("#agree")
		p.see("#open-camera")
		p.do(chromedp.Reload())
		p.see("#open-camera")
	})
	for name, c := range map[string]struct{ site, want string }{
		"until_it_is_erased":       {h.Endpoints.Site, "deletes no picture by itself"},
		"for_as_long_as_it_is_set": {h.deployed, "deletes pictures after 30 days"},
	} {
		meanwhile(t, "the_notice_says_that_a_picture_is_kept_"+name+"_and_moves_nothing", func(t *testing.T) {
			p := newTab(t, h.chromium, c.site)
			asked := make(chan answers, 1)
			p.intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) { asked <- answer })
			p.do(chromedp.EmulateViewport(320, 640), chromedp.Navigate(p.site))
			p.see("#agreement")
			answer := receive(p, asked)
			const place = `JSON.stringify(document.querySelector("#agree").getBoundingClientRect())`
			before := evaluate[string](p, place)
			answer.goOn()
			p.reads("#kept", c.want)
			if after := evaluate[string](p, place); after != before {
				t.Errorf("the button moved from %s to %s", before, after)
			}
		})
	}
	meanwhile(t, "the_notice_is_true_when_nobody_says_how_long_a_picture_is_kept", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployed)
		p.intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, answer answers) { answer.refuse(404) })
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		p.reads("#agreement", "until you erase it, or until this site deletes it")
	})
	meanwhile(t, "a_picture_that_was_dropped_before_the_agreement_waits_for_it", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		p.hand("drop", "image/png")
		p.see("#notice")
		p.click("#agree")
		p.see("#review")
	})
}

func testCamera(t *testing.T, h house) {
	meanwhile(t, "a_picture_taken_with_the_camera_is_seen_through_three_clouds", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.see("#shoot", "#preview.mirror")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.shoot("camera")
		p.click("#shoot")
		p.see("#review", "#image")
		if evaluate[bool](p, `Boolean(document.querySelector("#preview").srcObject?.active)`) {
			t.Error("the camera is still on")
		}
		p.shoot("review")
		p.click("#send")
		p.see(allDone, "#marks polygon")
		contains(t, "the smiling face", evaluate[string](p, `document.querySelector("#findings").innerText`), "joyful")
	})
	meanwhile(t, "space_and_a_tap_take_it_too_and_it_can_be_retaken_and_kept", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		evaluate[bool](p, `document.activeElement.blur() ?? true`)
		p.do(chromedp.KeyEvent(" "))
		p.see("#review")
		p.click("#retake")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#preview")
		p.see("#review")
		if !evaluate[bool](p, `document.querySelector("#download").href === document.querySelector("#image").src`) {
			t.Error("something else is downloaded")
		}
	})
	meanwhile(t, "a_camera_that_is_asked_for_twice_is_on_once_and_off_when_it_is_left", func(t *testing.T) {
		p := h.visit(t)
		p.slowCamera()
		evaluate[bool](p, `document.querySelector("#open-camera").click(), document.querySelector("#open-camera").click(), true`)
		p.until(`allow.length === 2`)
		evaluate[bool](p, `allow.forEach((yes) => yes()), true`)
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.until(`streams.length === 2 && streams.filter(({active}) => active).length === 1`)
		p.click("#close-camera")
		p.until(`!streams.some(({active}) => active)`)
	})
	meanwhile(t, "a_camera_that_is_allowed_too_late_stays_off_and_the_upload_goes_on", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.see("#review")
		p.slowCamera()
		p.click("#retake")
		p.until(`allow.length === 1`)
		p.click("#send")
		p.see("#steps")
		evaluate[bool](p, `allow[0](), true`)
		p.see(allDone, "#result")
		p.until(`streams.length === 1 && !streams[0].active`)
	})
	meanwhile(t, "a_retake_that_the_camera_refuses_keeps_the_picture_there_is", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.see("#review")
		evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
		p.click("#retake")
		p.reads("#notice p", "Another program")
		p.click("#send")
		p.see(allDone, "#result")
	})
	meanwhile(t, "a_countdown_is_shown_and_can_be_stopped", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.do(chromedp.SetValue("#countdown", "10"))
		evaluate[bool](p, `window.counted = [], new MutationObserver(() => counted.push(document.querySelector("#count").textContent)).observe(document.querySelector("#count"), {childList: true}), true`)
		p.click("#shoot")
		p.until(`counted.length > 1`)
		if counted := evaluate[[]string](p, `counted.slice(0, 2)`); !slices.Equal(counted, []string{"10", "9"}) {
			t.Errorf("counted %q", counted)
		}
		p.click("#shoot")
		p.until(`document.querySelector("#count").textContent === ""`)
		p.see("#camera")
	})
	meanwhile(t, "a_camera_that_looks_away_is_no_mirror", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `MediaStreamTrack.prototype.getSettings = () => ({facingMode: "environment"}), true`)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.see("#preview:not(.mirror)")
	})
	meanwhile(t, "a_camera_that_is_unplugged_while_it_is_looked_into_says_what_to_do", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		evaluate[bool](p, `document.querySelector("#preview").srcObject.getVideoTracks()[0].dispatchEvent(new Event("ended"))`)
		p.reads("#notice p", "stopped")
		p.see("#start")
		p.click("#notice button.primary")
		p.see("#shoot")
	})
	meanwhile(t, "a_countdown_that_ends_takes_the_picture", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.do(chromedp.SetValue("#countdown", "3"))
		p.click("#shoot")
		p.see("#review")
	})
	meanwhile(t, "a_camera_that_refuses", func(t *testing.T) {
		p := h.visit(t)
		for name, want := range refusals {
			t.Run("with_"+name+"_says_what_to_do", func(t *testing.T) {
				p := tab{t, p.ctx, p.site}
				evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "`+name+`") }, true`)
				p.refused(want)
			})
		}
	})
	meanwhile(t, "a_browser_without_cameras_says_so", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), true`)
		p.refused([2]string{"offers no camera", "Choose a picture"})
	})
	meanwhile(t, "a_page_that_is_not_secure_says_so", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), Object.defineProperty(window, "isSecureContext", {value: false}), true`)
		p.refused([2]string{"https", "Choose a picture"})
	})
	meanwhile(t, "of_two_cameras_the_other_can_be_chosen_and_stays_chosen", func(t *testing.T) {
		two := startChromium(t,
			chromedp.Flag("use-fake-ui-for-media-stream", true),
			chromedp.Flag("use-fake-device-for-media-stream", "device-count=2"))
		p := h.in(two).visit(t)
		p.click("#open-camera")
		p.see("#which")
		p.named("combobox", "Countdown", "Camera")
		const used = `document.querySelector("#preview").srcObject?.getVideoTracks()[0]?.getSettings().deviceId`
		const chosen = `document.querySelector("#cameras").selectedOptions[0].value`
		first := evaluate[string](p, used)
		if names := evaluate[[]string](p, `[...document.querySelector("#cameras").options].map(({text}) => text)`); len(names) != 2 || names[0] == names[1] {
			t.Errorf("the choice is between %q", names)
		}
		if shown := evaluate[string](p, chosen); shown != first {
			t.Error("the camera that is shown as chosen is not the one in use")
		}
		evaluate[bool](p, `window.before = document.querySelector("#preview").srcObject, true`)
		p.do(chromedp.Focus("#cameras"), chromedp.KeyEvent(kb.ArrowDown))
		p.until(used + ` && ` + used + ` !== ` + quoted(first) + ` && ` + used + ` === ` + chosen)
		if evaluate[bool](p, `window.before.active`) {
			t.Error("the first camera is still on")
		}
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot", "#retake")
		p.until(used + ` === ` + chosen + ` && ` + used + ` !== ` + quoted(first))
	})
	meanwhile(t, "a_person_who_says_no_is_told_where_to_say_yes", func(t *testing.T) {
		denying := startChromium(t, chromedp.Flag("deny-permission-prompts", true), chromedp.Flag("use-fake-device-for-media-stream", true))
		h.in(denying).visit(t).refused(refusals["NotAllowedError"])
	})
	meanwhile(t, "a_machine_without_a_camera_is_offered_a_file", func(t *testing.T) {
		blind := startChromium(t, chromedp.Flag("use-fake-ui-for-media-stream", true))
		h.in(blind).visit(t).refused(refusals["NotFoundError"])
	})
}

// slowCamera makes the page's camera wait until one of window.allow is called; window.streams are those it gave.
func (p tab) slowCamera() {
	p.Helper()
	evaluate[bool](p, `window.allow = [], window.streams = [], navigator.mediaDevices.getUserMedia = ((open) => async (wish) => {
		await new Promise((yes) => allow.push(yes));
		const stream = await open.call(navigator.mediaDevices, wish);
		streams.push(stream);
		return stream;
	})(navigator.mediaDevices.getUserMedia), true`)
}

// refusals is what each is told as, and the one thing to do.
var refusals = map[string][2]string{
	"NotAllowedError":      {"not allowed", "Try again"},
	"SecurityError":        {"settings forbid", "Choose a picture"},
	"NotFoundError":        {"No camera was found", "Choose a picture"},
	"NotReadableError":     {"Another program", "Try again"},
	"AbortError":           {"stopped", "Try again"},
	"OverconstrainedError": {"is gone", "Try again"},
	"WhateverError":        {"WhateverError", "Choose a picture"},
}

func (p tab) refused(want [2]string) {
	p.Helper()
	p.click("#open-camera")
	p.reads("#notice p", want[0])
	p.see("#notice button.primary")
	p.reads("#notice button.primary", want[1])
	p.see("#start")
}
