package browser

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func testAgreement(t *testing.T, h pageEnv) {
	parallel(t, "agreement_is_required_before_first_picture_and_remembered", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		if evaluate[bool](p, `document.querySelector("#start").checkVisibility()`) {
			t.Error("a picture can be taken before the agreement")
		}
		if n := evaluate[int](p, `localStorage.length`); n != 0 {
			t.Errorf("localStorage has %d entries before the agreement", n)
		}
		p.screenshot("notice")
		p.click("#agree")
		p.waitVisible("#open-camera")
		p.do(chromedp.Reload())
		p.waitVisible("#open-camera")
	})
	for name, c := range map[string]struct{ site, want string }{
		"unlimited_retention":  {h.Endpoints.Site, "deletes no picture by itself"},
		"retention_of_30_days": {h.deployedURL, "deletes pictures after 30 days"},
	} {
		parallel(t, "agreement_states_"+name+"_without_layout_shift", func(t *testing.T) {
			p := newTab(t, h.chromium, c.site)
			requests := make(chan pausedRequest, 1)
			p.intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { requests <- request })
			p.do(chromedp.EmulateViewport(320, 640), chromedp.Navigate(p.site))
			p.waitVisible("#agreement")
			request := receive(p, requests)
			const place = `JSON.stringify(document.querySelector("#agree").getBoundingClientRect())`
			before := evaluate[string](p, place)
			request.pass()
			p.waitText("#retention", c.want)
			if after := evaluate[string](p, place); after != before {
				t.Errorf("the button moved from %s to %s", before, after)
			}
		})
	}
	parallel(t, "agreement_is_correct_when_retention_is_unknown", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/api/notice", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.respondStatus(404) })
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		p.waitText("#agreement", "until you erase it, or until this site deletes it")
		for _, company := range []string{"Amazon", "Google", "Microsoft", "Temporal"} {
			p.waitText("#agreement", company)
		}
	})
	parallel(t, "picture_dropped_before_agreement_opens_after_it", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		p.dispatchFile("drop", "image/png")
		p.waitVisible("#notice")
		p.click("#agree")
		p.waitVisible("#review")
	})
}

func testCamera(t *testing.T, h pageEnv) {
	parallel(t, "camera_picture_passes_all_three_steps", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitVisible("#shoot", "#preview.mirror")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.screenshot("camera")
		evaluate[bool](p, `Boolean(window.stream = document.querySelector("#preview").srcObject)`)
		p.click("#shoot")
		p.waitVisible("#review", "#image")
		if evaluate[bool](p, `stream.active`) {
			t.Error("the camera is still on")
		}
		p.screenshot("review")
		p.click("#send")
		p.waitVisible(allDone, "#overlay polygon")
		expectContains(t, "the smiling face", evaluate[string](p, `document.querySelector("#result").innerText`), "joyful")
	})
	parallel(t, "space_and_tap_take_picture_that_can_be_retaken_and_downloaded", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		evaluate[bool](p, `document.activeElement.blur() ?? true`)
		p.do(chromedp.KeyEvent(" "))
		p.waitVisible("#review")
		p.click("#retake")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#preview")
		p.waitVisible("#review")
		if !evaluate[bool](p, `document.querySelector("#download").href === document.querySelector("#image").src`) {
			t.Error("the download is not the picture")
		}
	})
	parallel(t, "camera_opened_twice_keeps_one_stream_and_stops_it_on_leaving", func(t *testing.T) {
		p := h.visit(t)
		p.delayCamera()
		evaluate[bool](p, `document.querySelector("#open-camera").click(), document.querySelector("#open-camera").click(), true`)
		p.waitUntil(`allow.length === 2`)
		evaluate[bool](p, `allow.forEach((yes) => yes()), true`)
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.waitUntil(`streams.length === 2 && streams.filter(({active}) => active).length === 1`)
		p.click("#close-camera")
		p.waitUntil(`!streams.some(({active}) => active)`)
	})
	parallel(t, "camera_permission_granted_after_sending_leaves_camera_off", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.waitVisible("#review")
		p.delayCamera()
		p.click("#retake")
		p.waitUntil(`allow.length === 1`)
		p.click("#send")
		p.waitVisible("#steps")
		evaluate[bool](p, `allow[0](), true`)
		p.waitVisible(allDone, "#result")
		p.waitUntil(`streams.length === 1 && !streams[0].active`)
	})
	parallel(t, "failed_retake_keeps_existing_picture", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.waitVisible("#review")
		evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
		p.click("#retake")
		p.waitText("#notice p", "Another program")
		p.click("#send")
		p.waitVisible(allDone, "#result")
	})
	parallel(t, "countdown_is_visible_and_can_be_stopped", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.do(chromedp.SetValue("#countdown", "10"))
		evaluate[bool](p, `window.counted = [], new MutationObserver(() => counted.push(document.querySelector("#count").textContent)).observe(document.querySelector("#count"), {childList: true}), true`)
		p.click("#shoot")
		p.waitUntil(`counted.length > 1`)
		if counted := evaluate[[]string](p, `counted.slice(0, 2)`); !slices.Equal(counted, []string{"10", "9"}) {
			t.Errorf("counted %q", counted)
		}
		p.click("#shoot")
		p.waitUntil(`document.querySelector("#count").textContent === ""`)
		p.waitVisible("#camera")
	})
	parallel(t, "rear_camera_preview_is_not_mirrored", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `MediaStreamTrack.prototype.getSettings = () => ({facingMode: "environment"}), true`)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.waitVisible("#preview:not(.mirror)")
	})
	parallel(t, "unplugged_camera_produces_notice_with_remedy", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		evaluate[bool](p, `document.querySelector("#preview").srcObject.getVideoTracks()[0].dispatchEvent(new Event("ended"))`)
		p.waitText("#notice p", "stopped")
		p.waitVisible("#start")
		p.click("#notice button.primary")
		p.waitVisible("#shoot")
	})
	parallel(t, "end_of_countdown_takes_picture", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.do(chromedp.SetValue("#countdown", "3"))
		p.click("#shoot")
		p.waitVisible("#review")
	})
	parallel(t, "camera_error", func(t *testing.T) {
		p := h.visit(t)
		for name, want := range cameraErrors {
			t.Run(name+"_produces_notice_with_remedy", func(t *testing.T) {
				p := tab{t, p.ctx, p.site}
				evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "`+name+`") }, true`)
				p.expectCameraError(want)
			})
		}
	})
	parallel(t, "browser_without_mediaDevices_produces_notice", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), true`)
		p.expectCameraError(cameraNotice{"offers no camera", "Choose a picture"})
	})
	parallel(t, "insecure_page_produces_notice", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `Object.defineProperty(navigator, "mediaDevices", {value: undefined}), Object.defineProperty(window, "isSecureContext", {value: false}), true`)
		p.expectCameraError(cameraNotice{"https", "Choose a picture"})
	})
	parallel(t, "second_camera_can_be_selected_and_stays_selected", func(t *testing.T) {
		two := startChromium(t,
			chromedp.Flag("use-fake-ui-for-media-stream", true),
			chromedp.Flag("use-fake-device-for-media-stream", "device-count=2"))
		p := h.withBrowser(two).visit(t)
		p.click("#open-camera")
		p.waitVisible("#camera-label")
		p.expectNames("combobox", "Countdown", "Camera")
		const used = `document.querySelector("#preview").srcObject?.getVideoTracks()[0]?.getSettings().deviceId`
		const chosen = `document.querySelector("#cameras").selectedOptions[0].value`
		first := evaluate[string](p, used)
		if names := evaluate[[]string](p, `[...document.querySelector("#cameras").options].map(({text}) => text)`); len(names) != 2 || names[0] == names[1] {
			t.Errorf("the cameras are %q, want two", names)
		}
		if shown := evaluate[string](p, chosen); shown != first {
			t.Error("the selected camera is not the one in use")
		}
		evaluate[bool](p, `window.before = document.querySelector("#preview").srcObject, true`)
		p.do(chromedp.Focus("#cameras"), chromedp.KeyEvent(kb.ArrowDown))
		p.waitUntil(used + ` && ` + used + ` !== ` + quoted(first) + ` && ` + used + ` === ` + chosen)
		if evaluate[bool](p, `window.before.active`) {
			t.Error("the first camera is still on")
		}
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot", "#retake")
		p.waitUntil(used + ` === ` + chosen + ` && ` + used + ` !== ` + quoted(first))
	})
	parallel(t, "denied_permission_produces_notice_with_instructions", func(t *testing.T) {
		denying := startChromium(t, chromedp.Flag("deny-permission-prompts", true), chromedp.Flag("use-fake-device-for-media-stream", true))
		h.withBrowser(denying).visit(t).expectCameraError(cameraErrors["NotAllowedError"])
	})
	parallel(t, "machine_without_camera_offers_file", func(t *testing.T) {
		blind := startChromium(t, chromedp.Flag("use-fake-ui-for-media-stream", true))
		h.withBrowser(blind).visit(t).expectCameraError(cameraErrors["NotFoundError"])
	})
}

func (p tab) delayCamera() {
	p.Helper()
	evaluate[bool](p, `window.allow = [], window.streams = [], navigator.mediaDevices.getUserMedia = ((open) => async (wish) => {
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

func (p tab) expectCameraError(want cameraNotice) {
	p.Helper()
	p.click("#open-camera")
	p.waitText("#notice p", want.text)
	p.waitVisible("#notice button.primary")
	p.waitText("#notice button.primary", want.button)
	p.waitVisible("#start")
}
