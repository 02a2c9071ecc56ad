package uploads

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testHistoryNavigation(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "unchanged_lists_keep_the_focus", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Click("#another")
		p.WaitVisible("#pictures button")
		p.Do(chromedp.Focus("#pictures button"))
		pagetest.Evaluate[bool](p, `Promise.all([import("./history.js"), import("./state.js")]).then(async ([{load}, {set}]) => (set(await load()), true))`)
		if !pagetest.Evaluate[bool](p, `document.activeElement.matches("#pictures button")`) {
			t.Error("the button lost the focus")
		}
	})
	pagetest.Parallel(t, "button_in_the_history_keeps_the_focus_when_another_picture_is_added_or_removed", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Click("#another")
		p.WaitVisible("#pictures button")
		p.Do(chromedp.Focus("#pictures button"))
		pagetest.Evaluate[bool](p, `Promise.all([import("./history.js"), import("./state.js")]).then(([{add, remove}, {set}]) => {
			set(add({key: "1", id: "1", token: "1", taken: new Date().toISOString(), sent: true}));
			window.removeFirst = () => set(remove("1"));
			return true;
		})`)
		p.WaitVisible("#pictures li:nth-child(2) button:focus")
		pagetest.Evaluate[bool](p, `(removeFirst(), true)`)
		p.WaitVisible("#pictures li:only-child button:focus")
	})
	pagetest.Parallel(t, "one_step_back_after_going_home_several_times_shows_the_picture", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Click("#another", "#home", "#open-camera", "#close-camera")
		p.WaitVisible("#start")
		p.Click("#home")
		p.Do(chromedp.NavigateBack())
		p.WaitVisible("#result")
	})
	pagetest.Parallel(t, "another_browser_with_the_link_sees_picture_but_cannot_erase_it", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		other := pagetest.NewTab(t, h.Chromium, p.Site)
		other.Do(chromedp.Navigate(pagetest.Evaluate[string](p, "location.href")))
		other.WaitVisible("#result", "#overlay polygon")
		if pagetest.Evaluate[bool](other, `document.querySelector("#erase-this").checkVisibility()`) {
			t.Error("the erase button is visible")
		}
	})
}
