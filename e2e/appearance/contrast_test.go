package appearance

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testContrast(t *testing.T, h pagetest.Env) {
	for scheme, language := range map[string]string{"light": "en", "dark": "de"} {
		pagetest.Parallel(t, "text_has_WCAG_AA_contrast_in_"+scheme, func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
			p.SetLanguages(language)
			p.Emulate("prefers-color-scheme", scheme)
			p.Do(chromedp.EmulateViewport(1280, 1400), chromedp.Navigate(p.Site))
			p.WaitVisible("#agreement", "#temporal")
			p.WaitUntil(`document.querySelector("#retention").textContent`)
			p.CheckContrast("notice-" + scheme)
			p.Click("#agree")
			p.WaitVisible("#start")
			p.CheckContrast("start-" + scheme)
			p.Send()
			p.WaitVisible("#overlay polygon")
			p.Click("#raw summary")
			p.CheckContrast("result-" + scheme)
			p.Click("#erase-this")
			p.WaitVisible("#confirm")
			p.CheckContrast("confirm-" + scheme)
			p.Click("#confirm-keep", "#another")
			p.WaitVisible("#pictures img")
			pagetest.Evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
			p.Click("#open-camera")
			p.WaitVisible("#notice")
			p.Do(chromedp.EmulateViewport(320, 1400))
			p.CheckContrast("narrow-" + scheme)
		})
	}
}
