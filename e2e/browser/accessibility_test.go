package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func testPeople(t *testing.T, h house) {
	meanwhile(t, "it_fits_every_screen_from_320_pixels_to_4K", func(t *testing.T) {
		p := h.visit(t)
		fits := func(view string) {
			for _, width := range []int64{320, 768, 1280, 3840} {
				p.do(chromedp.EmulateViewport(width, max(640, width*9/16)))
				if wide := evaluate[int64](p, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d px wide on a screen of %d", view, wide, width)
				}
				p.shoot(fmt.Sprintf("%s-%d", view, width))
			}
		}
		fits("start")
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		fits("camera")
		p.click("#close-camera")
		p.send()
		p.see("#marks polygon")
		p.until(`document.getAnimations().length === 0`)
		fits("result")
	})
	meanwhile(t, "nothing_moves_while_the_picture_travels", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		evaluate[bool](p, `window.moved = [], new PerformanceObserver((list) => {
			for (const shift of list.getEntries()) window.moved.push(...shift.sources.map(({node}) => (node?.id || node?.className || node?.nodeName) + " " + shift.value));
		}).observe({type: "layout-shift"}), true`)
		p.click("#send")
		p.see(allDone, "#result", "#marks polygon")
		if moved := evaluate[[]string](p, `window.moved`); len(moved) > 0 {
			t.Errorf("moved: %v", moved)
		}
	})
	meanwhile(t, "nothing_moves_while_the_page_loads", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		sent := evaluate[string](p, `localStorage.getItem("triptych.pictures")`)
		for name, kept := range map[string]string{"nothing": `{}`, "a picture": `{"triptych.agreed": "1", "triptych.pictures": ` + strconv.Quote(sent) + `}`} {
			p := newTab(t, h.chromium, h.deployed)
			p.first(`for (const [key, value] of Object.entries(` + kept + `)) localStorage.setItem(key, value);
				window.moved = [], new PerformanceObserver((list) => moved.push(...list.getEntries().map(({value}) => value))).observe({type: "layout-shift", buffered: true})`)
			for _, width := range []int64{320, 1280} {
				p.do(chromedp.EmulateViewport(width, 720), chromedp.Navigate(p.site))
				if kept == "{}" {
					p.reads("#kept", "deletes")
				} else {
					p.until(`document.querySelector("#pictures img").complete`)
				}
				p.until(`document.readyState === "complete" && document.body.className === "ready"`)
				if moved := evaluate[[]float64](p, `new Promise(requestAnimationFrame).then(() => moved)`); len(moved) > 0 {
					t.Errorf("with %s kept, on %d px, it moves by %v", name, width, moved)
				}
			}
		}
	})
	meanwhile(t, "everything_has_a_role_and_a_name", func(t *testing.T) {
		p := h.visit(t)
		p.until(`document.querySelectorAll(".plug button").length === 10`)
		p.named("button", "Use the camera", "Choose a picture", "Pull the plug of AWS", "Pull the plug of Temporal")
		p.click("#open-camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.named("button", "Take the picture", "Back")
		p.named("combobox", "Countdown")
		p.click("#close-camera")
		p.choose(portrait)
		p.named("button", "Send it", "Choose another")
		p.named("link", "Download")
		p.click("#send")
		p.see(allDone, "#marks polygon")
		p.named("heading", "Your picture arrived", "AWS", "Google Cloud", "Azure", "Face", "Colours")
		p.named("checkbox", "Face boxes", "Points on the face")
		p.named("image", "Your picture")
		p.named("status", "")
	})
	meanwhile(t, "the_keyboard_alone_is_enough", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
		p.until(`document.querySelectorAll(".plug button").length === 10`)
		p.press("#agree")
		p.press("#open-camera")
		p.see("#camera")
		p.until(`document.querySelector("#preview").videoWidth > 0`)
		p.press("#shoot")
		p.see("#review")
		p.press("#send")
		p.see(allDone, "#result")
		p.press("#again")
		p.see("#start")
	})
	meanwhile(t, "the_focus_has_a_place_when_what_had_it_is_gone", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.press("#again")
		p.see("#pictures img")
		for range 40 {
			if evaluate[bool](p, `Boolean(document.activeElement.closest("#pictures button"))`) {
				break
			}
			p.do(chromedp.KeyEvent(kb.Tab))
		}
		p.do(chromedp.KeyEvent(kb.Enter))
		p.see("#sure")
		if on := p.focused(); on != "sure-keep" {
			t.Errorf("the question whether to erase has the focus on %q", on)
		}
		p.do(chromedp.KeyEvent(kb.Escape))
		p.until(`document.activeElement.closest("#pictures button")`)
		p.do(chromedp.KeyEvent(kb.Enter))
		p.press("#sure-erase")
		p.reads("#notice p", "Erased")
		if on := p.focused(); on != "title" {
			t.Errorf("after the erasure the focus is on %q", on)
		}
	})
	meanwhile(t, "a_screen_reader_is_told_how_it_ended", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.said = [], new MutationObserver(() => said.push(document.querySelector("#said").textContent)).observe(document.querySelector("#said"), {childList: true, characterData: true, subtree: true}), true`)
		p.send()
		said := evaluate[[]string](p, `said`)
		if !slices.Contains(said, "AWS: running. ") || !strings.HasPrefix(said[len(said)-1], "Your picture arrived") {
			t.Errorf("told: %q", said)
		}
	})
	meanwhile(t, "the_focus_goes_in_the_order_of_the_page", func(t *testing.T) {
		p := h.visit(t)
		p.do(chromedp.Reload())
		p.see("#open-camera")
		p.until(`document.querySelectorAll(".plug button").length === 10`)
		var order []string
		for !slices.Contains(order, "choose") && len(order) < 20 {
			p.do(chromedp.KeyEvent(kb.Tab))
			order = append(order, evaluate[string](p, `document.activeElement.id || document.activeElement.closest(".plug")?.dataset.cloud`))
		}
		if got := slices.Compact(order); !slices.Equal(got, []string{"home", "aws", "google", "azure", "temporal", "open-camera", "choose"}) {
			t.Errorf("the focus goes %v", got)
		}
	})
	meanwhile(t, "who_wants_no_motion_sees_none", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `window.moved = new Set(), addEventListener("transitionrun", ({target}) => moved.add(target.id || target.nodeName)), addEventListener("animationstart", ({animationName}) => moved.add(animationName)), true`)
		p.send()
		p.see("#marks polygon")
		if moved := evaluate[[]string](p, `[...moved]`); len(moved) > 0 {
			t.Errorf("moved: %v", moved)
		}
		p.emulate("prefers-reduced-motion", "no-preference")
		p.click("#again")
		p.send()
		p.until(`["P", "appear"].every((what) => moved.has(what))`)
	})
}

func (p tab) emulate(feature, value string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
		return chromedp.Void{}, err
	})
}

// named checks that the page holds these for a screen reader, and nothing to act on that has no name.
func (p tab) named(role string, names ...string) {
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

// press goes to the element with the tab key, as often as it takes, and presses it.
func (p tab) press(selector string) {
	p.Helper()
	p.see(selector)
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
