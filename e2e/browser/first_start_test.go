package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
	"triptych/e2e/stacktest"
)

func TestFirstStart(t *testing.T) {
	t.Run("page_shows_the_build_of_Temporal_and_its_picture_arrives_without_a_reload", func(t *testing.T) {
		t.Parallel()
		chromium := pagetest.StartChromium(t)
		unbuilt := stacktest.OpenUnbuilt(t.Context(), t, t.TempDir())
		p := pagetest.NewTab(t, chromium, unbuilt.Site)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitText("#building", "Temporal is still being built")
		p.WaitVisible("#building progress:indeterminate")
		p.Click("#agree") // only now, because #building moves the button when it appears
		unbuilt.Report(431, 1299)
		p.WaitText("#building", "431 of 1,299 packages")
		p.WaitUntil(`document.querySelector("#building progress").value === 431`)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("#title", "Your picture is safe")
		p.WaitVisible("#image", "#building")
		p.Screenshot("first-start")

		german := pagetest.NewTab(t, chromium, unbuilt.Site)
		german.SetLanguages("de-DE", "de")
		german.Do(chromedp.Navigate(p.Site))
		german.WaitText("#building", "Temporal wird noch gebaut")
		german.WaitText("#building", "431 von 1.299 Paketen")

		unbuilt.Finish(t)
		p.WaitVisible(pagetest.AllDone, "#image", `.plug[data-cloud="temporal"]`)
		p.WaitUntil(`!document.querySelector("#building")`)
	})
}
