package browser

import (
	"context"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"triptych/e2e/pagetest"
)

func testCamera(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "camera_picture_passes_all_three_steps", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitVisible("#shoot", "#preview.mirror")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Screenshot("camera")
		pagetest.Evaluate[bool](p, `Boolean(window.stream = document.querySelector("#preview").srcObject)`)
		p.Shoot()
		p.WaitVisible("#image")
		if pagetest.Evaluate[bool](p, `stream.active`) {
			t.Error("the camera is still on")
		}
		p.Screenshot("review")
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#overlay polygon")
		p.WaitText("#result", "joyful")
	})
	pagetest.Parallel(t, "space_and_tap_take_picture_that_can_be_retaken_and_downloaded", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		pagetest.Evaluate[bool](p, `document.activeElement.blur() ?? true`)
		p.Do(chromedp.KeyEvent(" "))
		p.WaitVisible("#review")
		p.Click("#retake")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#preview")
		p.WaitVisible("#review")
		if !pagetest.Evaluate[bool](p, `document.querySelector("#download").href === document.querySelector("#image").src`) {
			t.Error("the download is not the picture")
		}
	})
	pagetest.Parallel(t, "back_button_returns_from_camera_and_review_to_the_start", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		pagetest.Evaluate[bool](p, `Boolean(window.stream = document.querySelector("#preview").srcObject)`)
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#start")
		p.WaitUntil(`!stream.active`)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot", "#retake")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot")
		p.WaitVisible("#review")
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#start")
		p.Send()
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#start")
		p.WaitVisible("#pictures img")
	})
	pagetest.Parallel(t, "back_button_returns_to_the_picture_after_two_choices", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		dispatchFile(p, "drop", "image/png")
		p.WaitVisible("#review")
		p.ChooseAnother(pagetest.Portrait)
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#result")
	})
	pagetest.Parallel(t, "browser_asks_before_it_leaves_only_if_a_photo_would_be_lost", func(t *testing.T) {
		p := h.Visit(t)
		expectAsks := func(want bool) {
			t.Helper()
			if asks := !pagetest.Evaluate[bool](p, `dispatchEvent(new Event("beforeunload", {cancelable: true}))`); asks != want {
				t.Errorf("the browser asks in the view %q: %v", pagetest.Evaluate[string](p, `document.body.dataset.view`), asks)
			}
		}
		expectAsks(false)
		p.Choose(pagetest.Portrait)
		expectAsks(false)
		p.Click("#home", "#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		expectAsks(false)
		p.Shoot()
		expectAsks(true)
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#result")
		expectAsks(false)
	})
	pagetest.Parallel(t, "camera_opened_twice_keeps_one_stream_and_stops_it_on_leaving", func(t *testing.T) {
		p := h.Visit(t)
		delayCamera(p)
		pagetest.Evaluate[bool](p, `document.querySelector("#open-camera").click(), document.querySelector("#open-camera").click(), true`)
		p.WaitUntil(`allow.length === 2`)
		pagetest.Evaluate[bool](p, `allow.forEach((yes) => yes()), true`)
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.WaitUntil(`streams.length === 2 && streams.filter(({active}) => active).length === 1`)
		p.Click("#close-camera")
		p.WaitUntil(`!streams.some(({active}) => active)`)
	})
	pagetest.Parallel(t, "camera_permission_granted_after_sending_leaves_camera_off", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Shoot()
		delayCamera(p)
		p.Click("#retake")
		p.WaitUntil(`allow.length === 1`)
		p.Click("#send")
		p.WaitVisible("#steps")
		pagetest.Evaluate[bool](p, `allow[0](), true`)
		p.WaitVisible(pagetest.AllDone, "#result")
		p.WaitUntil(`streams.length === 1 && !streams[0].active`)
	})
	pagetest.Parallel(t, "failed_retake_keeps_existing_picture", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Shoot()
		pagetest.Evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
		p.Click("#retake")
		p.WaitText("#notice p", "Another program")
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#result")
	})
	pagetest.Parallel(t, "countdown_is_visible_and_can_be_stopped", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Do(chromedp.SetValue("#countdown", "10"))
		pagetest.Evaluate[bool](p, `window.counted = [], new MutationObserver(() => counted.push(document.querySelector("#count").textContent)).observe(document.querySelector("#count"), {childList: true}), true`)
		p.Click("#shoot")
		p.WaitUntil(`counted.length > 1`)
		if counted := pagetest.Evaluate[[]string](p, `counted.slice(0, 2)`); !slices.Equal(counted, []string{"10", "9"}) {
			t.Errorf("counted %q", counted)
		}
		p.Click("#shoot")
		p.WaitUntil(`document.querySelector("#count").textContent === ""`)
		p.WaitVisible("#camera")
	})
	pagetest.Parallel(t, "rear_camera_preview_is_not_mirrored", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `MediaStreamTrack.prototype.getSettings = () => ({facingMode: "environment"}), true`)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.WaitVisible("#preview:not(.mirror)")
	})
	pagetest.Parallel(t, "unplugged_camera_produces_notice_with_remedy", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		pagetest.Evaluate[bool](p, `document.querySelector("#preview").srcObject.getVideoTracks()[0].dispatchEvent(new Event("ended"))`)
		p.WaitText("#notice p", "stopped")
		p.WaitVisible("#start")
		expectFocusOnTitle(p)
		p.Click("#notice button.primary")
		p.WaitVisible("#shoot")
	})
	pagetest.Parallel(t, "focus_moves_to_the_title_when_the_button_of_a_notice_disappears", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotFoundError") }, document.querySelector("#file").click = () => {}, true`)
		expectCameraError(p, cameraErrors["NotFoundError"])
		p.Click("#notice button.primary")
		p.Do(chromedp.WaitNotVisible("#notice"))
		expectFocusOnTitle(p)
	})
	pagetest.Parallel(t, "end_of_countdown_takes_picture", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Do(chromedp.SetValue("#countdown", "3"))
		p.Click("#shoot")
		p.WaitVisible("#review")
	})
	pagetest.Parallel(t, "camera_error", func(t *testing.T) {
		p := h.Visit(t)
		for name, want := range cameraErrors {
			t.Run(name+"_produces_notice_with_remedy", func(t *testing.T) {
				p := pagetest.Tab{T: t, Ctx: p.Ctx, Site: p.Site}
				pagetest.Evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "`+name+`") }, true`)
				expectCameraError(p, want)
			})
		}
	})
	pagetest.Parallel(t, "browser_without_mediaDevices_produces_notice", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), true`)
		expectCameraError(p, cameraNotice{"offers no camera", "Choose a picture"})
	})
	pagetest.Parallel(t, "insecure_page_produces_notice", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), Object.defineProperty(window, "isSecureContext", {value: false}), true`)
		expectCameraError(p, cameraNotice{"https", "Choose a picture"})
	})
	pagetest.Parallel(t, "second_camera_can_be_selected_and_stays_selected", func(t *testing.T) {
		two := pagetest.StartChromium(t,
			chromedp.Flag("use-fake-ui-for-media-stream", true),
			chromedp.Flag("use-fake-device-for-media-stream", "device-count=2"))
		p := withBrowser(h, two).Visit(t)
		p.Click("#open-camera")
		p.WaitVisible("#camera-label")
		p.ExpectNames("combobox", "Countdown", "Camera")
		const used = `document.querySelector("#preview").srcObject?.getVideoTracks()[0]?.getSettings().deviceId`
		const chosen = `document.querySelector("#cameras").selectedOptions[0].value`
		first := pagetest.Evaluate[string](p, used)
		if names := pagetest.Evaluate[[]string](p, `[...document.querySelector("#cameras").options].map(({text}) => text)`); len(names) != 2 || names[0] == names[1] {
			t.Errorf("the cameras are %q, want two", names)
		}
		if shown := pagetest.Evaluate[string](p, chosen); shown != first {
			t.Error("the selected camera is not the one in use")
		}
		pagetest.Evaluate[bool](p, `window.before = document.querySelector("#preview").srcObject, true`)
		p.Do(chromedp.Focus("#cameras"), chromedp.KeyEvent(kb.ArrowDown))
		p.WaitUntil(used + ` && ` + used + ` !== ` + pagetest.Quoted(first) + ` && ` + used + ` === ` + chosen)
		if pagetest.Evaluate[bool](p, `window.before.active`) {
			t.Error("the first camera is still on")
		}
		if on := pagetest.Evaluate[string](p, `document.activeElement.id`); on != "cameras" {
			t.Errorf("the choice of a camera moves the focus to %q", on)
		}
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot", "#retake")
		p.WaitUntil(used + ` === ` + chosen + ` && ` + used + ` !== ` + pagetest.Quoted(first))
	})
	pagetest.Parallel(t, "denied_permission_produces_notice_with_instructions", func(t *testing.T) {
		denying := pagetest.StartChromium(t, chromedp.Flag("deny-permission-prompts", true), chromedp.Flag("use-fake-device-for-media-stream", true))
		expectCameraError(withBrowser(h, denying).Visit(t), cameraErrors["NotAllowedError"])
	})
	pagetest.Parallel(t, "machine_without_camera_offers_file", func(t *testing.T) {
		blind := pagetest.StartChromium(t, chromedp.Flag("use-fake-ui-for-media-stream", true))
		expectCameraError(withBrowser(h, blind).Visit(t), cameraErrors["NotFoundError"])
	})
}

func expectFocusOnTitle(p pagetest.Tab) {
	p.Helper()
	if on := pagetest.Evaluate[string](p, `document.activeElement.id || document.activeElement.nodeName`); on != "title" {
		p.Errorf("the focus is on %s, want the title", on)
	}
}

func delayCamera(p pagetest.Tab) {
	p.Helper()
	pagetest.Evaluate[bool](p, `window.allow = [], window.streams = [], navigator.mediaDevices.getUserMedia = ((open) => async (wish) => {
		await new Promise((yes) => allow.push(yes));
		const stream = await open.call(navigator.mediaDevices, wish);
		streams.push(stream);
		return stream;
	})(navigator.mediaDevices.getUserMedia), true`)
}

type cameraNotice struct{ text, button string }

var cameraErrors = map[string]cameraNotice{ // by the name of the DOMException
	"NotAllowedError":      {"not allowed", "Try again"},
	"SecurityError":        {"settings forbid", "Choose a picture"},
	"NotFoundError":        {"No camera was found", "Choose a picture"},
	"NotReadableError":     {"Another program", "Try again"},
	"AbortError":           {"stopped", "Try again"},
	"OverconstrainedError": {"is gone", "Try again"},
	"WhateverError":        {"WhateverError", "Choose a picture"},
}

func expectCameraError(p pagetest.Tab, want cameraNotice) {
	p.Helper()
	p.Click("#open-camera")
	p.WaitText("#notice p", want.text)
	p.WaitVisible("#notice button.primary")
	p.WaitText("#notice button.primary", want.button)
	p.WaitVisible("#start")
}

func withBrowser(h pagetest.Env, chromium context.Context) pagetest.Env {
	h.Chromium = chromium
	return h
}
