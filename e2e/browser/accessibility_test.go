package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func testAccessibility(t *testing.T, h pageEnv) {
	inEachLanguage(t, "page_fits_screens_from_320_pixels_to_4K", func(t *testing.T, language string) {
		p := h.visit(t, language)
		fits := func(view string) {
			for _, width := range []int64{320, 768, 1280, 3840} {
				p.do(chromedp.EmulateViewport(width, max(640, width*9/16)))
				if wide := evaluate[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d px wide on a screen of %d", view, wide, width)
				}
				p.screenshot(fmt.Sprintf("%s-%s-%d", view, language, width))
			}
		}
		fits("start")
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		fits("camera")
		p.click("#close-camera")
		p.send()
		p.waitVisible("#overlay polygon")
		p.waitUntil(`document.getAnimations().length === 0`)
		fits("result")
	})
	inEachLanguage(t, "no_layout_shift_during_processing", func(t *testing.T, language string) {
		p := h.visit(t, language)
		p.choose(portrait)
		evaluate[bool](p, `window.moved = [], new PerformanceObserver((list) => {
			for (const shift of list.getEntries()) window.moved.push(...shift.sources.map(({node}) => (node?.id || node?.className || node?.nodeName) + " " + shift.value));
		}).observe({type: "layout-shift"}), true`)
		p.click("#send")
		p.waitVisible(allDone, "#result", "#overlay polygon")
		if moved := evaluate[[]string](p, `window.moved`); len(moved) > 0 {
			t.Errorf("layout shifts or animations: %v", moved)
		}
	})
	inEachLanguage(t, "no_layout_shift_during_page_load", func(t *testing.T, language string) {
		for name, stored := range map[string]string{"nothing": ``, "a picture": storeEntry} {
			p := newTab(t, h.chromium, h.deployedURL)
			p.setLanguages(language)
			p.do(chromedp.Navigate(p.site))
			evaluate[bool](p, `(async () => {`+stored+`; return true; })()`)
			p.addInitScript(`window.moved = [], new PerformanceObserver((list) => moved.push(...list.getEntries().map(({value}) => value))).observe({type: "layout-shift", buffered: true})`)
			for _, width := range []int64{320, 1280} {
				p.do(chromedp.EmulateViewport(width, 720), chromedp.Navigate(p.site))
				if stored == "" {
					p.waitText("#retention", "30")
				} else {
					p.waitUntil(`document.querySelector("#pictures img")?.complete`)
				}
				p.waitUntil(`document.readyState === "complete" && document.body.className === "ready"`)
				if moved := evaluate[[]float64](p, `new Promise(requestAnimationFrame).then(() => moved)`); len(moved) > 0 {
					t.Errorf("with %s in the history, at %d px: layout shifts %v", name, width, moved)
				}
			}
		}
	})
	parallel(t, "every_control_has_an_accessible_name", func(t *testing.T) {
		p := h.visit(t)
		p.waitUntil(`document.querySelectorAll(".plug button").length === 10`)
		p.expectNames("button", "Use the camera", "Choose a picture", "Pull the plug of AWS", "Pull the plug of Temporal")
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.expectNames("button", "Take the picture", "Back")
		p.expectNames("combobox", "Countdown")
		p.click("#close-camera")
		p.choose(portrait)
		p.expectNames("button", "Send it", "Choose another")
		p.expectNames("link", "Download")
		p.click("#send")
		p.waitVisible(allDone, "#overlay polygon")
		p.expectNames("heading", "Your picture arrived", "AWS", "Google Cloud", "Azure", "Face", "Colours")
		p.expectNames("checkbox", "Face boxes", "Points on the face")
		p.expectNames("image", "Your picture: Face, Person, Smile")
		p.expectNames("status", "")
	})
	parallel(t, "page_can_be_used_with_keyboard_only", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
		p.waitUntil(`document.querySelectorAll(".plug button").length === 10`)
		p.tabToAndPressEnter("#agree")
		p.tabToAndPressEnter("#open-camera")
		p.waitVisible("#camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.tabToAndPressEnter("#shoot")
		p.waitVisible("#review")
		p.tabToAndPressEnter("#send")
		p.waitVisible(allDone, "#result")
		p.tabToAndPressEnter("#another")
		p.waitVisible("#start")
	})
	parallel(t, "focus_moves_to_title_when_focused_element_disappears", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.tabToAndPressEnter("#another")
		p.waitVisible("#pictures img")
		for range 40 {
			if evaluate[bool](p, `Boolean(document.activeElement.closest("#pictures button"))`) {
				break
			}
			p.do(chromedp.KeyEvent(kb.Tab))
		}
		p.do(chromedp.KeyEvent(kb.Enter))
		p.waitVisible("#confirm")
		if on := p.focused(); on != "confirm-keep" {
			t.Errorf("the focus in the dialog is on %q", on)
		}
		p.do(chromedp.KeyEvent(kb.Escape))
		p.waitUntil(`document.activeElement.closest("#pictures button")`)
		p.do(chromedp.KeyEvent(kb.Enter))
		p.tabToAndPressEnter("#confirm-act")
		p.waitText("#notice p", "Erased")
		if on := p.focused(); on != "title" {
			t.Errorf("after the erasure the focus is on %q", on)
		}
	})
	parallel(t, "screen_reader_announces_progress_and_result", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.announcements = [], new MutationObserver(() => announcements.push(document.querySelector("#announcement").textContent)).observe(document.querySelector("#announcement"), {childList: true, characterData: true, subtree: true}), true`)
		p.send()
		announcements := evaluate[[]string](p, `announcements`)
		all := strings.Join(announcements, " ")
		for _, step := range []string{"AWS: Stored.", "Google Cloud: Done.", "Azure: Stored.", "Your picture arrived."} {
			if strings.Count(all, step) != 1 {
				t.Errorf("%q is not announced once: %q", step, announcements)
			}
		}
	})
	parallel(t, "focus_order_matches_visual_order", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.Reload())
		p.waitVisible("#open-camera")
		p.waitUntil(`document.querySelectorAll(".plug button").length === 10`)
		var order []string
		for !slices.Contains(order, "choose") && len(order) < 20 {
			p.do(chromedp.KeyEvent(kb.Tab))
			order = append(order, evaluate[string](p, `document.activeElement.id || document.activeElement.closest(".plug")?.dataset.cloud`))
		}
		if got := slices.Compact(order); !slices.Equal(got, []string{"home", "aws", "google", "azure", "temporal", "open-camera", "choose"}) {
			t.Errorf("the focus order is %v", got)
		}
	})
	parallel(t, "no_animation_with_prefers_reduced_motion", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.moved = new Set(), addEventListener("transitionrun", ({target}) => moved.add(target.id || target.nodeName)), addEventListener("animationstart", ({animationName}) => moved.add(animationName)), true`)
		p.send()
		p.waitVisible("#overlay polygon")
		if moved := evaluate[[]string](p, `[...moved]`); len(moved) > 0 {
			t.Errorf("layout shifts or animations: %v", moved)
		}
		p.emulate("prefers-reduced-motion", "no-preference")
		p.click("#another")
		p.send()
		p.waitUntil(`["P", "appear"].every((what) => moved.has(what))`)
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

func (p tab) emulate(feature, value string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
		return chromedp.Void{}, err
	})
}

func (p tab) expectNames(role string, names ...string) {
	p.Helper()
	tree, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		p.Fatal(err)
	}
	var found []string
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		is, called := text(node.Role), strings.Join(strings.Fields(text(node.Name)), " ")
		if is == role {
			found = append(found, called)
		}
		if called == "" && slices.Contains([]string{"button", "link", "checkbox", "combobox", "image", "progressbar", "textbox"}, is) {
			p.Errorf("a %s has no name", is)
		}
	}
	for _, name := range names {
		if !slices.Contains(found, name) {
			p.Errorf("no %s %q among %q", role, name, found)
		}
	}
}

func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}

func (p tab) tabToAndPressEnter(selector string) {
	p.Helper()
	p.waitVisible(selector)
	for range 40 {
		if "#"+p.focused() == selector {
			p.do(chromedp.KeyEvent(kb.Enter))
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.Fatalf("the tab key never reaches %s", selector)
}

func (p tab) focused() string { return evaluate[string](p, `document.activeElement?.id ?? ""`) }
