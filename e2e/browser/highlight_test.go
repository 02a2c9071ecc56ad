package browser

import (
	"context"
	"fmt"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The box of the second face is in the picture, its entry in the list.
const (
	faceBox    = `#overlay > [data-key="face 1"]`
	faceEntry  = `.faces li:nth-child(2) .entry`
	chairEntry = `.bars .entry[data-key="chair"]`
)

func testHighlight(t *testing.T, h pageEnv) {
	annotation := &visionpb.AnnotateImageResponse{FaceAnnotations: joyful, LocalizedObjectAnnotations: objects("Person", "Person", "Chair"), LabelAnnotations: labels("Room")}
	for name, c := range map[string]struct {
		act    func(tab)
		marked string // the entry
		boxes  int
	}{
		"mouse_on_an_entry_marks_its_box":                    {func(p tab) { p.pointAt(faceEntry) }, "2: Probably joyful", 2},
		"mouse_on_a_box_marks_its_entry":                     {func(p tab) { p.pointAt(faceBox) }, "2: Probably joyful", 2},
		"mouse_elsewhere_ends_the_mark":                      {func(p tab) { p.pointAt(faceEntry); p.waitVisible(".mark"); p.pointAt("#title") }, "", 0},
		"entry_marks_the_box_of_a_kind_that_is_switched_off": {func(p tab) { p.pointAt(chairEntry) }, "Chair", 1},
		"keyboard_focus_on_an_entry_marks_its_box":           {func(p tab) { p.tabTo(faceEntry) }, "2: Probably joyful", 2},
		"mark_ends_with_the_keyboard_focus":                  {func(p tab) { p.tabTo(faceEntry); p.waitVisible(".mark"); p.do(chromedp.KeyEvent(kb.Tab)) }, "", 0},
		"key_keeps_the_mark": {func(p tab) {
			p.tabTo(faceEntry)
			p.do(chromedp.KeyEvent(kb.Enter))
			p.waitVisible(`[aria-pressed="true"]`)
			p.do(chromedp.KeyEvent(kb.Tab))
		}, "2: Probably joyful", 2},
		"tap_on_an_entry_marks_its_box":        {func(p tab) { p.tap(faceEntry) }, "2: Probably joyful", 2},
		"tap_on_a_box_marks_its_entry":         {func(p tab) { p.tap(faceBox) }, "2: Probably joyful", 2},
		"second_tap_ends_the_mark":             {func(p tab) { p.tap(faceBox); p.waitVisible(".mark"); p.tap(faceBox) }, "", 0},
		"box_of_a_person_marks_the_face_in_it": {func(p tab) { p.click(`#toggles [name="objects"]`); p.pointAt(`#overlay > .objects[data-key="face 0"]`) }, "1: Looks joyful", 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.visitAnnotatedWith(t, annotation, plainPicture(t, 800, 600, violet))
			p.waitVisible(".faces canvas")
			evaluate[bool](p, `import("./highlight.js").then(() => true)`)
			c.act(p)
			p.waitUntil(fmt.Sprintf(`(document.querySelector(".marked .mood, .marked span")?.textContent ?? "") === %q && document.querySelectorAll(".mark > polygon").length === %d`, c.marked, c.boxes))
			p.screenshot(name)
			if evaluate[bool](p, `Boolean(document.querySelector("#overlay").closest('[aria-hidden="true"]').querySelector("button, a, [tabindex]"))`) {
				t.Error("an element that is hidden from screen readers can be focused")
			}
		})
	}
	t.Run("only_entries_with_a_box_can_be_focused", func(t *testing.T) {
		p := h.visitAnnotatedWith(t, annotation, plainPicture(t, 800, 600, violet))
		p.waitVisible(".faces canvas")
		const focusable = `[...document.querySelectorAll("#result .entry")].filter((entry) => entry.matches("button:enabled")).map((entry) => entry.dataset.key).join()`
		if keys := evaluate[string](p, focusable); keys != "face 0,face 1,chair" {
			t.Errorf("focusable: %s", keys)
		}
		evaluate[bool](p, `import("./state.js").then(({set}) => set({imageFailed: true}) ?? true)`)
		if keys := evaluate[string](p, focusable); keys != "" {
			t.Errorf("focusable without the picture: %s", keys)
		}
	})
}

func (p tab) tabTo(selector string) {
	p.Helper()
	for range 60 {
		if evaluate[bool](p, `document.activeElement.matches(`+quoted(selector)+`)`) {
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.Fatalf("the tab key never reaches %s", selector)
}

func (p tab) middle(selector string) (x, y float64) {
	p.Helper()
	place := evaluate[[]float64](p, `(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.querySelector(`+quoted(selector)+`).getBoundingClientRect())`)
	return place[0], place[1]
}

func (p tab) pointAt(selector string) {
	p.Helper()
	x, y := p.middle(selector)
	p.do(chromedp.MouseEvent("mouseMoved", x, y))
}

func (p tab) tap(selector string) {
	p.Helper()
	p.do(chromedp.EmulateViewport(1280, 800, chromedp.EmulateTouch))
	x, y := p.middle(selector)
	for _, event := range []input.DispatchTouchEventParams{{Type: "touchStart", TouchPoints: []*input.TouchPoint{{X: x, Y: y}}}, {Type: "touchEnd", TouchPoints: []*input.TouchPoint{}}} {
		p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, input.DispatchTouchEvent, event)
			return chromedp.Void{}, err
		})
	}
}
