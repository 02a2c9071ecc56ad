package appearance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"triptych/e2e/pagetest"
)

func testAccessibility(t *testing.T, h pagetest.Env) {
	inEachLanguage(t, "page_fits_screens_from_320_pixels_to_4K", func(t *testing.T, language string) {
		p := h.Visit(t, language)
		fits := func(view string) {
			for _, width := range []int64{320, 768, 1280, 3840} {
				p.Do(chromedp.EmulateViewport(width, max(640, width*9/16)))
				if wide := pagetest.Evaluate[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d px wide on a screen of %d", view, wide, width)
				}
				p.Screenshot(fmt.Sprintf("%s-%s-%d", view, language, width))
			}
		}
		fits("start")
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		fits("camera")
		p.Click("#close-camera")
		p.Send()
		p.WaitVisible("#overlay polygon")
		p.WaitUntil(`document.getAnimations().length === 0`)
		fits("result")
	})
	inEachLanguage(t, "no_layout_shift_during_processing", func(t *testing.T, language string) {
		p := h.Visit(t, language)
		p.Choose(pagetest.Portrait)
		pagetest.Evaluate[bool](p, `window.moved = [], new PerformanceObserver((list) => {
			for (const shift of list.getEntries()) window.moved.push(...shift.sources.map(({node}) => (node?.id || node?.className || node?.nodeName) + " " + shift.value));
		}).observe({type: "layout-shift"}), true`)
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#result", "#overlay polygon")
		if moved := pagetest.Evaluate[[]string](p, `window.moved`); len(moved) > 0 {
			t.Errorf("layout shifts or animations: %v", moved)
		}
	})
	inEachLanguage(t, "no_layout_shift_during_page_load", func(t *testing.T, language string) {
		for name, stored := range map[string]string{"nothing": ``, "a picture": storeEntry} {
			p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
			p.SetLanguages(language)
			p.Do(chromedp.Navigate(p.Site))
			pagetest.Evaluate[bool](p, `(async () => {`+stored+`; return true; })()`)
			p.AddInitScript(`window.moved = [], new PerformanceObserver((list) => moved.push(...list.getEntries().map(({value}) => value))).observe({type: "layout-shift", buffered: true})`)
			for _, width := range []int64{320, 1280} {
				p.Do(chromedp.EmulateViewport(width, 720), chromedp.Navigate(p.Site))
				if stored == "" {
					p.WaitText("#retention", "30")
				} else {
					p.WaitUntil(`document.querySelector("#pictures img")?.complete`)
				}
				p.WaitUntil(`document.readyState === "complete" && document.body.className === "ready"`)
				if moved := pagetest.Evaluate[[]float64](p, `new Promise(requestAnimationFrame).then(() => moved)`); len(moved) > 0 {
					t.Errorf("with %s in the history, at %d px: layout shifts %v", name, width, moved)
				}
			}
		}
	})
	pagetest.Parallel(t, "every_control_has_an_accessible_name", func(t *testing.T) {
		p := h.Visit(t)
		p.WaitUntil(`document.querySelectorAll(".plug button").length === 10`)
		p.ExpectNames("button", "Use the camera", "Choose a picture", "Pull the plug of AWS", "Pull the plug of Temporal")
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.ExpectNames("button", "Take the picture", "Back")
		p.ExpectNames("combobox", "Countdown")
		p.Click("#close-camera")
		p.Choose(pagetest.Portrait)
		p.ExpectNames("button", "Send it", "Choose another")
		p.ExpectNames("link", "Download")
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#overlay polygon")
		p.ExpectNames("heading", "Your picture arrived", "AWS", "Google Cloud", "Azure", "Face", "Colours")
		p.ExpectNames("checkbox", "Face boxes", "Points on the face")
		p.ExpectNames("image", "Your picture: Face, Person, Smile")
		p.ExpectNames("status", "")
	})
	pagetest.Parallel(t, "text_of_a_question_is_its_accessible_description", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		for _, button := range []string{"#erase-this", "#forget-this"} {
			p.Click(button)
			p.WaitVisible("#confirm")
			p.ExpectDescription("dialog", pagetest.Evaluate[string](p, `document.querySelector("#confirm-text").textContent`))
			p.Click("#confirm-keep")
		}
	})
	pagetest.Parallel(t, "page_can_be_used_with_keyboard_only", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		p.WaitUntil(`document.querySelectorAll(".plug button").length === 10`)
		tabToAndPressEnter(p, "#agree")
		tabToAndPressEnter(p, "#open-camera")
		p.WaitVisible("#camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		tabToAndPressEnter(p, "#shoot")
		p.WaitVisible("#review")
		p.WaitUntil(pagetest.AcceptsSend)
		tabToAndPressEnter(p, "#send")
		p.WaitVisible(pagetest.AllDone, "#result")
		tabToAndPressEnter(p, "#another")
		p.WaitVisible("#start")
	})
	pagetest.Parallel(t, "focus_moves_to_title_when_focused_element_disappears", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		tabToAndPressEnter(p, "#another")
		p.WaitVisible("#pictures img")
		for range 40 {
			if pagetest.Evaluate[bool](p, `Boolean(document.activeElement.closest("#pictures button"))`) {
				break
			}
			p.Do(chromedp.KeyEvent(kb.Tab))
		}
		p.Do(chromedp.KeyEvent(kb.Enter))
		p.WaitVisible("#confirm")
		if on := focused(p); on != "confirm-keep" {
			t.Errorf("the focus in the dialog is on %q", on)
		}
		p.Do(chromedp.KeyEvent(kb.Escape))
		p.WaitUntil(`document.activeElement.closest("#pictures button")`)
		p.Do(chromedp.KeyEvent(kb.Enter))
		tabToAndPressEnter(p, "#confirm-act")
		p.WaitText("#notice p", "Erased")
		if on := focused(p); on != "title" {
			t.Errorf("after the erasure the focus is on %q", on)
		}
	})
	pagetest.Parallel(t, "screen_reader_announces_progress_and_result", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.announcements = [], new MutationObserver(() => announcements.push(document.querySelector("#announcement").textContent)).observe(document.querySelector("#announcement"), {childList: true, characterData: true, subtree: true}), true`)
		p.Send()
		announcements := pagetest.Evaluate[[]string](p, `announcements`)
		all := strings.Join(announcements, " ")
		for _, step := range []string{"AWS: Stored.", "Google Cloud: Done.", "Azure: Stored.", "Your picture arrived."} {
			if strings.Count(all, step) != 1 {
				t.Errorf("%q is not announced once: %q", step, announcements)
			}
		}
	})
	pagetest.Parallel(t, "focus_order_matches_visual_order", func(t *testing.T) {
		p := h.Visit(t)
		p.Do(chromedp.Reload())
		p.WaitVisible("#open-camera")
		p.WaitUntil(`document.querySelectorAll(".plug button").length === 10`)
		var order []string
		for !slices.Contains(order, "choose") && len(order) < 20 {
			p.Do(chromedp.KeyEvent(kb.Tab))
			order = append(order, pagetest.Evaluate[string](p, `document.activeElement.id || document.activeElement.closest(".plug")?.dataset.cloud`))
		}
		if got := slices.Compact(order); !slices.Equal(got, []string{"home", "aws", "google", "azure", "temporal", "open-camera", "choose"}) {
			t.Errorf("the focus order is %v", got)
		}
	})
	pagetest.Parallel(t, "no_animation_with_prefers_reduced_motion", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.moved = new Set(), addEventListener("transitionrun", ({target}) => moved.add(target.id || target.nodeName)), addEventListener("animationstart", ({animationName}) => moved.add(animationName)), true`)
		p.Send()
		p.WaitVisible("#overlay polygon")
		if moved := pagetest.Evaluate[[]string](p, `[...moved]`); len(moved) > 0 {
			t.Errorf("layout shifts or animations: %v", moved)
		}
		p.Emulate("prefers-reduced-motion", "no-preference")
		p.Click("#another")
		p.Send()
		p.WaitUntil(`["P", "appear"].every((what) => moved.has(what))`)
	})
}

const storeEntry = `
	const {agree} = await import("./agreement.js"), {add, load} = await import("./history.js");
	const canvas = new OffscreenCanvas(160, 120);
	canvas.getContext("2d");
	const thumb = await canvas.convertToBlob();
	agree();
	add({key: "1", id: "1", token: "1", taken: new Date().toISOString(), sent: true, thumb});
	await load()`

func tabToAndPressEnter(p pagetest.Tab, selector string) {
	p.Helper()
	p.WaitVisible(selector)
	for range 40 {
		if "#"+focused(p) == selector {
			p.Do(chromedp.KeyEvent(kb.Enter))
			return
		}
		p.Do(chromedp.KeyEvent(kb.Tab))
	}
	p.Fatalf("the tab key never reaches %s", selector)
}

func focused(p pagetest.Tab) string {
	return pagetest.Evaluate[string](p, `document.activeElement?.id ?? ""`)
}
