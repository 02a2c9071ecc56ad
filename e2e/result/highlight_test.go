package result

import (
	"context"
	"fmt"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"triptych/e2e/pagetest"
)

const (
	faceBox    = `#overlay > [data-key="face 1"]`
	faceEntry  = `.faces li:nth-child(2) .entry`
	chairEntry = `.bars .entry[data-key="chair"]`
)

func testHighlight(t *testing.T, h pagetest.Env) {
	annotation := &visionpb.AnnotateImageResponse{FaceAnnotations: joyful, LocalizedObjectAnnotations: objects("Person", "Person", "Chair"), LabelAnnotations: labels("Room")}
	for name, c := range map[string]struct {
		act    func(pagetest.Tab)
		marked string // the entry
		boxes  int
	}{
		"mouse_on_an_entry_marks_its_box":                    {func(p pagetest.Tab) { pointAt(p, faceEntry) }, "2: Probably joyful", 2},
		"mouse_on_a_box_marks_its_entry":                     {func(p pagetest.Tab) { pointAt(p, faceBox) }, "2: Probably joyful", 2},
		"mouse_elsewhere_ends_the_mark":                      {func(p pagetest.Tab) { pointAt(p, faceEntry); p.WaitVisible(".mark"); pointAt(p, "#title") }, "", 0},
		"entry_marks_the_box_of_a_kind_that_is_switched_off": {func(p pagetest.Tab) { pointAt(p, chairEntry) }, "Chair", 1},
		"keyboard_focus_on_an_entry_marks_its_box":           {func(p pagetest.Tab) { tabTo(p, faceEntry) }, "2: Probably joyful", 2},
		"mark_ends_with_the_keyboard_focus":                  {func(p pagetest.Tab) { tabTo(p, faceEntry); p.WaitVisible(".mark"); p.Do(chromedp.KeyEvent(kb.Tab)) }, "", 0},
		"key_keeps_the_mark": {func(p pagetest.Tab) {
			tabTo(p, faceEntry)
			p.Do(chromedp.KeyEvent(kb.Enter))
			p.WaitVisible(`[aria-pressed="true"]`)
			p.Do(chromedp.KeyEvent(kb.Tab))
		}, "2: Probably joyful", 2},
		"tap_on_an_entry_marks_its_box": {func(p pagetest.Tab) { tap(p, faceEntry) }, "2: Probably joyful", 2},
		"tap_on_a_box_marks_its_entry":  {func(p pagetest.Tab) { tap(p, faceBox) }, "2: Probably joyful", 2},
		"second_tap_ends_the_mark":      {func(p pagetest.Tab) { tap(p, faceBox); p.WaitVisible(".mark"); tap(p, faceBox) }, "", 0},
		"tap_marks_in_a_browser_without_ariaPressed": {func(p pagetest.Tab) {
			pagetest.Evaluate[bool](p, `delete Element.prototype.ariaPressed`) // as in Firefox before 119
			tap(p, faceEntry)
		}, "2: Probably joyful", 2},
		"box_of_a_person_marks_the_face_in_it": {func(p pagetest.Tab) {
			p.Click(`#toggles [name="objects"]`)
			pointAt(p, `#overlay > .objects[data-key="face 0"]`)
		}, "1: Looks joyful", 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := visitAnnotatedWith(t, h, annotation, plainPicture(t, 800, 600, violet))
			p.WaitVisible(".faces canvas")
			pagetest.Evaluate[bool](p, `import("./highlight.js").then(() => true)`)
			c.act(p)
			p.WaitUntil(fmt.Sprintf(`(document.querySelector(".marked .mood, .marked span")?.textContent ?? "") === %q && document.querySelectorAll(".mark > polygon").length === %d`, c.marked, c.boxes))
			p.Screenshot(name)
			if pagetest.Evaluate[bool](p, `Boolean(document.querySelector("#overlay").closest('[aria-hidden="true"]').querySelector("button, a, [tabindex]"))`) {
				t.Error("an element that is hidden from screen readers can be focused")
			}
		})
	}
	t.Run("only_entries_with_a_box_can_be_focused", func(t *testing.T) {
		p := visitAnnotatedWith(t, h, annotation, plainPicture(t, 800, 600, violet))
		p.WaitVisible(".faces canvas")
		const focusable = `[...document.querySelectorAll("#result .entry")].filter((entry) => entry.matches("button:enabled")).map((entry) => entry.dataset.key).join()`
		if keys := pagetest.Evaluate[string](p, focusable); keys != "face 0,face 1,chair" {
			t.Errorf("focusable: %s", keys)
		}
		pagetest.Evaluate[bool](p, `import("./state.js").then(({set}) => set({imageFailed: true}) ?? true)`)
		if keys := pagetest.Evaluate[string](p, focusable); keys != "" {
			t.Errorf("focusable without the picture: %s", keys)
		}
	})
}

func tabTo(p pagetest.Tab, selector string) {
	p.Helper()
	for range 60 {
		if pagetest.Evaluate[bool](p, `document.activeElement.matches(`+pagetest.Quoted(selector)+`)`) {
			return
		}
		p.Do(chromedp.KeyEvent(kb.Tab))
	}
	p.Fatalf("the tab key never reaches %s", selector)
}

func middle(p pagetest.Tab, selector string) (x, y float64) {
	p.Helper()
	place := pagetest.Evaluate[[]float64](p, `(({x, y, width, height}) => [x + width / 2, y + height / 2])(document.querySelector(`+pagetest.Quoted(selector)+`).getBoundingClientRect())`)
	return place[0], place[1]
}

func pointAt(p pagetest.Tab, selector string) {
	p.Helper()
	x, y := middle(p, selector)
	p.Do(chromedp.MouseEvent("mouseMoved", x, y))
}

func tap(p pagetest.Tab, selector string) {
	p.Helper()
	p.Do(chromedp.EmulateViewport(1280, 800, chromedp.EmulateTouch))
	x, y := middle(p, selector)
	for _, event := range []input.DispatchTouchEventParams{{Type: "touchStart", TouchPoints: []*input.TouchPoint{{X: x, Y: y}}}, {Type: "touchEnd", TouchPoints: []*input.TouchPoint{}}} {
		p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, input.DispatchTouchEvent, event)
			return chromedp.Void{}, err
		})
	}
}
