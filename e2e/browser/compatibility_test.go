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
	"triptych/e2e/pagetest"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func testCompatibility(t *testing.T, h pageEnv) {
	parallel(t, "file_is_read_without_createImageBitmap", func(t *testing.T) {
		p := h.visit(t)
		// Chrome before 112, Firefox before 111 and Safari before 16 throw a TypeError for the value "from-image".
		p.breakWorkers(`self.createImageBitmap = () => { throw new TypeError("from-image") }`)
		p.choose(pagetest.Sideways(t))
		p.waitText("#photo-info", "800 × 1600 pixels")
	})
	parallel(t, "damaged_file_that_an_img_element_shows_is_accepted", func(t *testing.T) {
		p := h.visit(t)
		whole, err := os.ReadFile(portrait)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "half.jpg")
		if err := os.WriteFile(path, whole[:len(whole)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		p.choose(path)
	})
	parallel(t, "muted_camera_disables_the_shutter_until_it_is_unmuted", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		mute := func(muted string) {
			evaluate[bool](p, `(() => {
				const [track] = document.querySelector("#preview").srcObject.getVideoTracks();
				Object.defineProperty(track, "muted", {value: `+muted+`, configurable: true});
				return track.dispatchEvent(new Event(`+muted+` ? "mute" : "unmute"));
			})()`)
		}
		p.do(chromedp.SetValue("#countdown", "10"))
		p.click("#shoot")
		mute("true")
		p.waitText("#title", "The camera is paused")
		p.waitVisible(`#shoot[aria-disabled="true"]`)
		if !evaluate[bool](p, `document.activeElement.id === "shoot"`) {
			t.Error("the shutter lost the focus")
		}
		p.do(chromedp.KeyEvent(" "))
		evaluate[bool](p, `document.querySelector("#preview").click() ?? true`)
		if evaluate[bool](p, `document.querySelector("#count").textContent !== "" || !document.querySelector("#camera").checkVisibility()`) {
			t.Error("a muted camera takes a picture")
		}
		p.do(chromedp.SetValue("#countdown", "0"))
		mute("false")
		p.waitVisible(`#shoot[aria-disabled="false"]`)
		p.click("#shoot")
		p.waitVisible("#review")
	})
	parallel(t, "canvas_with_fingerprint_protection_is_explained_and_not_sent", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.Worker = undefined, CanvasRenderingContext2D.prototype.getImageData = `+randomPixels+`, true`)
		p.dispatchFile("drop", "image/png")
		p.waitText("#notice p", "Allow this site to use canvas data")
		if evaluate[bool](p, `document.querySelector("#review").checkVisibility()`) {
			t.Error("the picture can be sent")
		}
	})
	parallel(t, "forced_colours_keep_panels_dots_bars_and_swatches", func(t *testing.T) {
		p := h.visit(t)
		p.emulate("forced-colors", "active")
		p.screenshot("forced-start")
		p.choose("../../emulators/vision/testdata/people.jpg")
		p.click("#send")
		p.waitVisible("#overlay polygon", ".bars")
		p.screenshot("forced-result")
		for selector, pseudo := range map[string]string{".swatches li": "", "#steps h3": "::before"} {
			if n := evaluate[int](p, `new Set([...document.querySelectorAll("`+selector+`")].map((node) => getComputedStyle(node, "`+pseudo+`").backgroundColor)).size`); n < 3 {
				t.Errorf("%s has %d colours", selector, n)
			}
		}
		if height := evaluate[float64](p, `document.querySelector(".bars i").getBoundingClientRect().height * (getComputedStyle(document.querySelector(".bars i")).borderTopStyle === "solid")`); height < 2 {
			t.Errorf("a bar is %v px high", height)
		}
		if colour := evaluate[string](p, `getComputedStyle(document.querySelector("#panels p")).color`); colour != "rgba(0, 0, 0, 0)" {
			t.Errorf("the name of a cloud covers the picture in %s", colour)
		}
	})
	parallel(t, "camera_and_its_button_fit_phones_in_landscape", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.EmulateViewport(844, 390))
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.screenshot("landscape")
		evaluate[bool](p, `(scrollTo(0, 0), true)`)
		if evaluate[bool](p, `["#frame", "#shoot"].map((id) => document.querySelector(id).getBoundingClientRect()).some(({top, bottom}) => top < 0 || bottom > 390)`) {
			t.Error("the frame or the shutter is outside the screen")
		}
	})
	for format, height := range map[string]int{"4_to_3": 1200, "16_to_9": 900} {
		parallel(t, "camera_picture_of_"+format+"_has_no_bars", func(t *testing.T) {
			p := h.visit(t)
			p.click("#open-camera")
			p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
			evaluate[bool](p, fmt.Sprintf(`import("./state.js").then(({set}) => set({videoSize: [1600, %d]}) ?? true)`, height))
			ratio, want := evaluate[float64](p, `document.querySelector("#frame").offsetWidth / document.querySelector("#frame").offsetHeight`), 1600/float64(height)
			if math.Abs(ratio-want) > 0.02 {
				t.Errorf("the frame's ratio is %.2f, want %.2f", ratio, want)
			}
		})
	}
	parallel(t, "shutter_flashes_once_per_picture", func(t *testing.T) {
		p := h.visit(t)
		p.emulate("prefers-reduced-motion", "no-preference")
		evaluate[bool](p, `window.flashes = 0, addEventListener("animationstart", ({animationName}) => flashes += animationName === "flash"), true`)
		for n := 1; n <= 2; n++ {
			p.click(map[int]string{1: "#open-camera", 2: "#retake"}[n])
			p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
			p.click("#shoot")
			p.waitVisible("#review")
			p.waitUntil(fmt.Sprintf(`flashes === %d && !document.querySelector("#frame").classList.contains("flash")`, n))
		}
	})
	parallel(t, "mirror_switch_applies_to_preview_and_picture", func(t *testing.T) {
		p := h.visit(t)
		const left = `new Promise((resolve) => {
			const image = document.querySelector("#image");
			const context = Object.assign(document.createElement("canvas"), {width: 10, height: 1}).getContext("2d");
			image.decode().then(() => { context.drawImage(image, 0, 0, 10, 1); resolve(context.getImageData(0, 0, 1, 1).data[0] - context.getImageData(9, 0, 1, 1).data[0]); });
		})`
		p.click("#open-camera")
		p.waitVisible("#preview.mirror")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.waitVisible("#review", "#image")
		mirrored := evaluate[int](p, left)
		p.click("#retake")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#mirror")
		p.waitVisible("#preview:not(.mirror)")
		p.click("#shoot")
		p.waitVisible("#review", "#image")
		if plain := evaluate[int](p, left); mirrored == 0 || plain*mirrored > 0 {
			t.Errorf("the difference of left and right is %d mirrored and %d plain", mirrored, plain)
		}
		p.click("#retake")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.waitVisible("#preview:not(.mirror)")
	})
	parallel(t, "image_that_fails_to_load_once_is_loaded_again", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		var requests atomic.Int32
		p.intercept("*/image", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) {
			if requests.Add(1) <= 2 { // the image and its backdrop
				request.respondStatus(503)
				return
			}
			request.pass()
		})
		p.do(chromedp.Reload())
		p.waitText("#lead", "could not be loaded")
		p.waitUntil(`document.querySelector("#image").naturalWidth > 0 && document.querySelector("#image").checkVisibility()`)
		p.waitVisible("#overlay polygon")
		p.waitText("#lead", "Through three clouds")
	})
	parallel(t, "image_that_keeps_failing_is_announced_once", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		requests := make(chan bool, 100)
		p.intercept("*/image", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			if r.ResourceType == network.ResourceTypeImage {
				requests <- true
			}
			request.respondStatus(503)
		})
		p.addInitScript(`
			window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout);
			window.announced = [];
			new MutationObserver(() => {
				const text = document.querySelector("#announcement")?.textContent;
				if (text !== announced.at(-1)) announced.push(text);
			}).observe(document, {childList: true, characterData: true, subtree: true});`)
		p.do(chromedp.Reload())
		for range 8 { // four of the image and four of its backdrop
			receive(p, requests)
		}
		p.waitText("#announcement", "could not be loaded")
		announced := evaluate[[]string](p, `announced`)
		first := slices.IndexFunc(announced, func(text string) bool { return strings.Contains(text, "could not be loaded") })
		if first != len(announced)-1 {
			t.Errorf("the announcements are %q", announced)
		}
	})
	parallel(t, "image_that_is_gone_is_not_requested_again", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.intercept("*/image", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.respondStatus(404) })
		p.addInitScript(`window.waits = [], window.setTimeout = ((wait) => (then, ms) => (waits.push(ms), wait(then, ms)))(setTimeout)`)
		p.do(chromedp.Reload())
		p.waitText("#lead", "has been deleted")
		if waits := evaluate[[]float64](p, `waits`); slices.Contains(waits, 1000) {
			t.Errorf("the timers are %v ms", waits)
		}
	})
	parallel(t, "titles_of_camera_and_review_are_announced", func(t *testing.T) {
		p := h.visit(t)
		p.click("#open-camera")
		p.waitText("#announcement", "Look into the camera.")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.click("#shoot")
		p.waitText("#announcement", "Send this one?")
	})
	parallel(t, "hidden_tabs_leave_connections_to_the_visible_tab", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.do(chromedp.Navigate(p.site + "/#" + h.newLink(t)))
		for range 7 {
			p.waitText("#title", "Waiting for the picture")
			evaluate[bool](p, `Object.defineProperty(document, "visibilityState", {value: "hidden"}), document.dispatchEvent(new Event("visibilitychange"))`)
			p = h.openBeside(t, p)
			p.do(chromedp.Navigate(p.site + "/#" + h.newLink(t)))
		}
		p.waitText("#title", "Waiting for the picture")
	})
	parallel(t, "names_of_objects_are_legible_on_phones", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.EmulateViewport(360, 720))
		p.send()
		p.waitVisible("#overlay polygon")
		p.click(`#toggles [name="objects"]`)
		p.waitVisible("#overlay text")
		p.screenshot("phone-objects")
		if size := evaluate[float64](p, `document.querySelector("#overlay text").getAttribute("font-size") * document.querySelector("#overlay").getScreenCTM().a`); size < 13.9 {
			t.Errorf("the text is %.1f px high, want 14", size)
		}
	})
}
