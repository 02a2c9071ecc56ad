package browser

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testCompatibility(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "file_is_read_without_createImageBitmap", func(t *testing.T) {
		p := h.Visit(t)
		breakWorkers(p, `self.createImageBitmap = () => { throw new TypeError("from-image") }`)
		p.Choose(pagetest.Sideways(t))
		p.WaitText("#photo-info", "800 × 1600 pixels")
	})
	pagetest.Parallel(t, "damaged_file_that_an_img_element_shows_is_accepted", func(t *testing.T) {
		p := h.Visit(t)
		whole, err := os.ReadFile(pagetest.Portrait)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "half.jpg")
		if err := os.WriteFile(path, whole[:len(whole)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		p.Choose(path)
	})
	pagetest.Parallel(t, "muted_camera_disables_the_shutter_until_it_is_unmuted", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		mute := func(muted string) {
			pagetest.Evaluate[bool](p, `(() => {
				const [track] = document.querySelector("#preview").srcObject.getVideoTracks();
				Object.defineProperty(track, "muted", {value: `+muted+`, configurable: true});
				return track.dispatchEvent(new Event(`+muted+` ? "mute" : "unmute"));
			})()`)
		}
		p.Do(chromedp.SetValue("#countdown", "10"))
		p.Click("#shoot")
		mute("true")
		p.WaitText("#title", "The camera is paused")
		p.WaitVisible(`#shoot[aria-disabled="true"]`)
		if !pagetest.Evaluate[bool](p, `document.activeElement.id === "shoot"`) {
			t.Error("the shutter lost the focus")
		}
		p.Do(chromedp.KeyEvent(" "))
		pagetest.Evaluate[bool](p, `document.querySelector("#preview").click() ?? true`)
		if pagetest.Evaluate[bool](p, `document.querySelector("#count").textContent !== "" || !document.querySelector("#camera").checkVisibility()`) {
			t.Error("a muted camera takes a picture")
		}
		p.Do(chromedp.SetValue("#countdown", "0"))
		mute("false")
		p.WaitVisible(`#shoot[aria-disabled="false"]`)
		p.Click("#shoot")
		p.WaitVisible("#review")
	})
	pagetest.Parallel(t, "canvas_with_fingerprint_protection_is_explained_and_not_sent", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.Worker = undefined, CanvasRenderingContext2D.prototype.getImageData = `+randomPixels+`, true`)
		dispatchFile(p, "drop", "image/png")
		p.WaitText("#notice p", "Allow this site to use canvas data")
		if pagetest.Evaluate[bool](p, `document.querySelector("#review").checkVisibility()`) {
			t.Error("the picture can be sent")
		}
	})
	pagetest.Parallel(t, "forced_colours_keep_panels_dots_bars_and_swatches", func(t *testing.T) {
		p := h.Visit(t)
		p.Emulate("forced-colors", "active")
		p.Screenshot("forced-start")
		p.Choose("../../emulators/vision/testdata/desk.jpg") // a face, and a thing with a bar
		p.Click("#send")
		p.WaitVisible("#overlay polygon", ".bars")
		p.Screenshot("forced-result")
		for selector, pseudo := range map[string]string{".swatches li": "", "#steps h3": "::before"} {
			if n := pagetest.Evaluate[int](p, `new Set([...document.querySelectorAll("`+selector+`")].map((node) => getComputedStyle(node, "`+pseudo+`").backgroundColor)).size`); n < 3 {
				t.Errorf("%s has %d colours", selector, n)
			}
		}
		if height := pagetest.Evaluate[float64](p, `document.querySelector(".bars i").getBoundingClientRect().height * (getComputedStyle(document.querySelector(".bars i")).borderTopStyle === "solid")`); height < 2 {
			t.Errorf("a bar is %v px high", height)
		}
		if opacity := pagetest.Evaluate[string](p, `getComputedStyle(document.querySelector("#panels p")).opacity`); opacity != "0" {
			t.Errorf("a panel with the name of a cloud covers the picture with the opacity %s", opacity)
		}
	})
	pagetest.Parallel(t, "camera_and_its_button_fit_phones_in_landscape", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.EmulateViewport(844, 390))
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Screenshot("landscape")
		pagetest.Evaluate[bool](p, `(scrollTo(0, 0), true)`)
		if pagetest.Evaluate[bool](p, `["#frame", "#shoot"].map((id) => document.querySelector(id).getBoundingClientRect()).some(({top, bottom}) => top < 0 || bottom > 390)`) {
			t.Error("the frame or the shutter is outside the screen")
		}
	})
	for format, height := range map[string]int{"4_to_3": 1200, "16_to_9": 900} {
		pagetest.Parallel(t, "camera_picture_of_"+format+"_has_no_bars", func(t *testing.T) {
			p := h.Visit(t)
			p.Click("#open-camera")
			p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
			pagetest.Evaluate[bool](p, fmt.Sprintf(`import("./state.js").then(({set}) => set({videoSize: [1600, %d]}) ?? true)`, height))
			ratio, want := pagetest.Evaluate[float64](p, `document.querySelector("#frame").offsetWidth / document.querySelector("#frame").offsetHeight`), 1600/float64(height)
			if math.Abs(ratio-want) > 0.02 {
				t.Errorf("the frame's ratio is %.2f, want %.2f", ratio, want)
			}
		})
	}
	pagetest.Parallel(t, "shutter_flashes_once_per_picture", func(t *testing.T) {
		p := h.Visit(t)
		p.Emulate("prefers-reduced-motion", "no-preference")
		pagetest.Evaluate[bool](p, `window.flashes = 0, addEventListener("animationstart", ({animationName}) => flashes += animationName === "flash"), true`)
		for n := 1; n <= 2; n++ {
			p.Click(map[int]string{1: "#open-camera", 2: "#retake"}[n])
			p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
			p.Click("#shoot")
			p.WaitVisible("#review")
			p.WaitUntil(fmt.Sprintf(`flashes === %d && !document.querySelector("#frame").classList.contains("flash")`, n))
		}
	})
	pagetest.Parallel(t, "mirror_switch_applies_to_preview_and_picture", func(t *testing.T) {
		p := h.Visit(t)
		const left = `new Promise((resolve) => {
			const image = document.querySelector("#image");
			const context = Object.assign(document.createElement("canvas"), {width: 10, height: 1}).getContext("2d");
			image.decode().then(() => { context.drawImage(image, 0, 0, 10, 1); resolve(context.getImageData(0, 0, 1, 1).data[0] - context.getImageData(9, 0, 1, 1).data[0]); });
		})`
		p.Click("#open-camera")
		p.WaitVisible("#preview.mirror")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot")
		p.WaitVisible("#review", "#image")
		mirrored := pagetest.Evaluate[int](p, left)
		p.Click("#retake")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#mirror")
		p.WaitVisible("#preview:not(.mirror)")
		p.Click("#shoot")
		p.WaitVisible("#review", "#image")
		if plain := pagetest.Evaluate[int](p, left); mirrored == 0 || plain*mirrored > 0 {
			t.Errorf("the difference of left and right is %d mirrored and %d plain", mirrored, plain)
		}
		p.Click("#retake")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.WaitVisible("#preview:not(.mirror)")
	})
	pagetest.Parallel(t, "image_that_fails_to_load_once_is_loaded_again", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		var requests atomic.Int32
		p.Intercept("*/image", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if requests.Add(1) <= 2 { // the image and its backdrop
				request.RespondStatus(503)
				return
			}
			request.Pass()
		})
		p.Do(chromedp.Reload())
		p.WaitText("#lead", "could not be loaded")
		p.WaitUntil(`document.querySelector("#image").naturalWidth > 0 && document.querySelector("#image").checkVisibility()`)
		p.WaitVisible("#overlay polygon")
		p.WaitText("#lead", "Through three clouds")
	})
	pagetest.Parallel(t, "image_that_keeps_failing_is_announced_once", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		requests := make(chan bool, 100)
		p.Intercept("*/image", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.ResourceType == network.ResourceTypeImage {
				requests <- true
			}
			request.RespondStatus(503)
		})
		p.AddInitScript(`
			window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout);
			window.announced = [];
			new MutationObserver(() => {
				const text = document.querySelector("#announcement")?.textContent;
				if (text !== announced.at(-1)) announced.push(text);
			}).observe(document, {childList: true, characterData: true, subtree: true});`)
		p.Do(chromedp.Reload())
		for range 8 { // four of the image and four of its backdrop
			pagetest.Receive(p, requests)
		}
		p.WaitText("#announcement", "could not be loaded")
		announced := pagetest.Evaluate[[]string](p, `announced`)
		first := slices.IndexFunc(announced, func(text string) bool { return strings.Contains(text, "could not be loaded") })
		if first != len(announced)-1 {
			t.Errorf("the announcements are %q", announced)
		}
	})
	pagetest.Parallel(t, "image_that_is_gone_is_not_requested_again", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Intercept("*/image", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.RespondStatus(404) })
		p.AddInitScript(`window.waits = [], window.setTimeout = ((wait) => (then, ms) => (waits.push(ms), wait(then, ms)))(setTimeout)`)
		p.Do(chromedp.Reload())
		p.WaitText("#lead", "has been deleted")
		if waits := pagetest.Evaluate[[]float64](p, `waits`); slices.Contains(waits, 1000) {
			t.Errorf("the timers are %v ms", waits)
		}
	})
	pagetest.Parallel(t, "image_that_the_browser_cannot_decode_is_requested_twice", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		var requests atomic.Int32
		p.Intercept("*/image", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			if r.ResourceType != network.ResourceTypeImage {
				requests.Add(1)
			}
			request.RespondStatus(200) // without a body
		})
		p.AddInitScript(`window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout)`)
		p.Do(chromedp.Reload())
		p.WaitText("#lead", "This browser cannot show the picture itself.")
		if n := requests.Load(); n != 2 {
			t.Errorf("the page requested the image %d times", n)
		}
	})
	pagetest.Parallel(t, "titles_of_camera_and_review_are_announced", func(t *testing.T) {
		p := h.Visit(t)
		p.Click("#open-camera")
		p.WaitText("#announcement", "Look into the camera.")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.Click("#shoot")
		p.WaitText("#announcement", "Send this one?")
	})
	pagetest.Parallel(t, "hidden_tabs_leave_connections_to_the_visible_tab", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Do(chromedp.Navigate(p.Site + "/#" + h.NewLink(t)))
		for range 7 {
			p.WaitText("#title", "Waiting for the picture")
			pagetest.Evaluate[bool](p, `Object.defineProperty(document, "visibilityState", {value: "hidden"}), document.dispatchEvent(new Event("visibilitychange"))`)
			p = h.OpenBeside(t, p)
			p.Do(chromedp.Navigate(p.Site + "/#" + h.NewLink(t)))
		}
		p.WaitText("#title", "Waiting for the picture")
	})
	pagetest.Parallel(t, "names_of_objects_are_legible_on_phones", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.EmulateViewport(360, 720))
		p.Send()
		p.WaitVisible("#overlay polygon")
		p.Click(`#toggles [name="objects"]`)
		p.WaitVisible("#overlay text")
		p.Screenshot("phone-objects")
		if size := pagetest.Evaluate[float64](p, `document.querySelector("#overlay text").getAttribute("font-size") * document.querySelector("#overlay").getScreenCTM().a`); size < 13.9 {
			t.Errorf("the text is %.1f px high, want 14", size)
		}
	})
}
