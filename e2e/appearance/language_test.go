package appearance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testLanguage(t *testing.T, h pagetest.Env) {
	for name, c := range map[string]struct {
		languages []string
		want      string
	}{
		"German_region_selects_German":              {[]string{"de-AT", "en"}, "de-AT"},
		"first_supported_language_selects_German":   {[]string{"fr", "de", "en"}, "de"},
		"English_before_German_selects_English":     {[]string{"en-GB", "de"}, "en"},
		"locale_C_of_WebKitGTK_selects_English":     {[]string{"C"}, "en"},
		"empty_language_selects_English":            {[]string{""}, "en"},
		"missing_languages_select_English":          {nil, "en"},
		"unknown_language_selects_English":          {[]string{"xx-YY"}, "en"},
		"name_of_an_object_method_selects_English":  {[]string{"constructor"}, "en"},
		"German_locale_of_POSIX_is_no_invalid_text": {[]string{"de_DE.UTF-8@euro"}, "de"},
	} {
		pagetest.Parallel(t, name, func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
			p.SetLanguages(c.languages...)
			p.Do(chromedp.Navigate(p.Site))
			pagetest.Evaluate[bool](p, `(async () => {`+storeEntry+`; setTimeout(() => location.reload()); return true; })()`)
			p.WaitVisible("#pictures img")
			if got := pagetest.Evaluate[string](p, `document.documentElement.lang`); got != c.want {
				t.Errorf("the page's language is %q, want %q", got, c.want)
			}
			button := map[bool]string{true: "Kamera benutzen", false: "Use the camera"}[strings.HasPrefix(c.want, "de")]
			p.WaitText("#open-camera", button)
		})
	}
	pagetest.Parallel(t, "picture_is_annotated_if_the_language_is_C", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.SetLanguages("C")
		p.Do(chromedp.Navigate(p.Site))
		p.Click("#agree")
		p.Send()
		p.WaitText("#title", "Your picture arrived")
	})
	pagetest.Parallel(t, "page_stays_English_if_the_German_texts_do_not_load", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.SetLanguages("de")
		p.Intercept("*/de.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { request.Reset() })
		p.Do(chromedp.Navigate(p.Site))
		p.Click("#agree")
		p.WaitText("#open-camera", "Use the camera")
		if got := pagetest.Evaluate[string](p, `document.documentElement.lang`); got != "en" {
			t.Errorf("the page's language is %q", got)
		}
	})
	pagetest.Parallel(t, "title_is_hidden_until_the_German_texts_have_loaded", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.SetLanguages("de")
		loading := make(chan pagetest.PausedRequest, 1)
		p.Intercept("*/de.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) { loading <- request })
		pagetest.Evaluate[bool](p, `location.href = "`+p.Site+`", true`)
		request := pagetest.Receive(p, loading)
		const isVisible = `document.querySelector("#title")?.checkVisibility({visibilityProperty: true})`
		if pagetest.Evaluate[bool](p, `Boolean(`+isVisible+`)`) {
			t.Error("the page shows English")
		}
		request.Pass()
		p.WaitUntil(isVisible)
		expectGerman(p, "start")
	})
	pagetest.Parallel(t, "English_page_does_not_request_the_German_texts", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.Intercept("*/de*.js", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			t.Errorf("unexpected request: %s", r.Request.URL)
			request.Pass()
		})
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
	})
	pagetest.Parallel(t, "German_page_contains_no_English", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.SetLanguages("de")
		p.Do(chromedp.Navigate(p.Site))
		p.WaitText("#retention", "löscht")
		expectGerman(p, "agreement")
		p.Click("#agree")
		p.WaitVisible("#open-camera")
		expectGerman(p, "start")
		p.Click("#open-camera")
		p.WaitUntil(`document.querySelector("#preview").videoWidth > 0`)
		expectGerman(p, "camera")
		p.Click("#close-camera")
		p.Choose(pagetest.Portrait)
		expectGerman(p, "review")
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#overlay polygon")
		expectGerman(p, "result")
		if unmarked := pagetest.Evaluate[int](p, `document.querySelectorAll(".bars .entry span:first-child:not([lang=en])").length`); unmarked != 0 {
			t.Errorf("%d names from Google are not marked as English", unmarked)
		}
		p.Click("#erase-this")
		p.WaitVisible("#confirm")
		expectGerman(p, "confirmation")
		p.Click("#confirm-act")
		p.WaitText("#notice p", "Gelöscht")
		expectGerman(p, "erased")
	})
	pagetest.Parallel(t, "German_page_explains_refused_camera_and_files_in_German", func(t *testing.T) {
		p := h.Visit(t, "de")
		pagetest.Evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
		p.Click("#open-camera")
		p.WaitText("#notice p", "Kamera")
		expectGerman(p, "camera error")
		text := filepath.Join(t.TempDir(), "text.jpg")
		if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Do(chromedp.SetUploadFiles("#file", []string{text}, chromedp.NodeReady))
		p.WaitText("#notice p", "Browser")
		expectGerman(p, "file error")
	})
	pagetest.Parallel(t, "German_page_shows_dates_and_numbers_in_German", func(t *testing.T) {
		p := h.Visit(t, "de")
		pagetest.Evaluate[bool](p, `(async () => {
			const {add, saved} = await import("./history.js");
			add({key: "1", id: "1", token: "1", taken: new Date(2026, 10, 27, 20, 15).toISOString(), sent: true});
			await saved();
			setTimeout(() => location.reload());
			return true;
		})()`)
		p.WaitVisible("#pictures img")
		p.ExpectNames("image", "Bild vom 27.11.2026, 20:15")
		if got := pagetest.Evaluate[string](p, `import("./language.js").then(({t}) => t("Erase {n} pictures?", {n: 1234}))`); got != "1.234 Bilder löschen?" {
			t.Errorf("1234 pictures: %q", got)
		}
	})
	pagetest.Parallel(t, "messages_of_the_API_are_translated_with_their_numbers", func(t *testing.T) {
		p := h.Visit(t, "de")
		for english, german := range map[string]string{
			"Cosmos DB is unavailable; Triptych tries again":                                                            "Cosmos DB ist nicht verfügbar; Triptych versucht es noch einmal",
			"Temporal does not answer, so nothing was erased yet: try again in a few seconds.":                          "Temporal antwortet nicht, deshalb wurde noch nichts gelöscht: Versuche es in ein paar Sekunden noch einmal.",
			"The picture has 30000000 bytes, and Google accepts at most 20971520":                                       "Das Bild hat 30.000.000 Bytes, und Google nimmt höchstens 20.971.520 an",
			"This site annotates at most 500 pictures a day, so this one waits until 00:00 UTC; Triptych tries again":   "Auf dieser Website werden höchstens 500 Bilder am Tag ausgewertet, deshalb wartet dieses bis 00:00 Uhr UTC; Triptych versucht es noch einmal",
			"The worker's AWS credentials expire in 1m30s and cannot be renewed; the picture waits until this is fixed": "Die AWS-Anmeldedaten des Workers laufen in 1m30s ab und lassen sich nicht erneuern; das Bild wartet, bis das behoben ist",
			"The worker stopped responding (Heartbeat timeout)":                                                         "Der Worker antwortet nicht mehr (Zeitlimit Heartbeat)",
			"The picture was erased.":                          "Das Bild wurde gelöscht.",
			"A message without an entry; Triptych tries again": "A message without an entry; Triptych tries again",
		} {
			expression := fmt.Sprintf(`import("./language.js").then(async ({loadMessages, t}) => { await loadMessages(); return t(%s); })`, pagetest.Quoted(english))
			if got := pagetest.Evaluate[string](p, expression); got != german {
				t.Errorf("%q is %q, want %q", english, got, german)
			}
		}
	})
}

func testLanguageOfFaults(t *testing.T, h pagetest.Env) {
	for _, c := range []struct{ cloud, says string }{
		{"aws", "AWS kann das Bild gerade nicht annehmen"}, {"google", "Cloud Vision ist nicht verfügbar"}, {"azure", "Cosmos DB ist nicht verfügbar"},
	} {
		t.Run("German_page_says_in_German_that_"+c.cloud+"_is_down", func(t *testing.T) {
			p := h.Visit(t, "de")
			plug := `.plug[data-cloud="` + c.cloud + `"] [data-fault="down"]`
			p.Click(plug)
			p.WaitVisible(plug + `[aria-pressed="true"]`)
			p.Choose(pagetest.Portrait)
			p.Click("#send")
			p.WaitText("#reason", c.says)
			expectGerman(p, c.cloud+" is down")
			p.Click(plug)
			p.WaitVisible(plug+`[aria-pressed="false"]`, pagetest.AllDone)
		})
	}
	t.Run("German_page_says_in_German_that_Temporal_is_down", func(t *testing.T) {
		p := h.Visit(t, "de")
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone)
		p.Click(plug)
		p.WaitVisible(plug + `[aria-pressed="true"]`)
		p.Click("#another")
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitText("main", "Temporal antwortet nicht")
		expectGerman(p, "Temporal is down")
		p.Click(plug)
		p.WaitVisible(plug+`[aria-pressed="false"]`, pagetest.AllDone)
	})
}

func inEachLanguage(t *testing.T, name string, test func(t *testing.T, language string)) {
	for language, suffix := range map[string]string{"en": "_in_English", "de": "_in_German"} {
		pagetest.Parallel(t, name+suffix, func(t *testing.T) { test(t, language) })
	}
}

// expectGerman looks for English words in all texts, also in hidden ones. It skips texts that are English on purpose,
// such as the fault switches of the local site.
func expectGerman(p pagetest.Tab, view string) {
	p.Helper()
	for _, text := range pagetest.Evaluate[[]string](p, `(() => {
		const english = /\b(the|of|and|your|you|is|it|this|that|picture|pictures|with|from|for|has|have|not|no|face|waits?|waiting|done|erase|another)\b/i;
		const skipped = ".plug, #temporal, noscript, #incomplete, #raw pre, #overlay", texts = [document.title];
		if (!document.documentElement.lang.startsWith("de")) texts.push("The page is not in German: lang=" + document.documentElement.lang);
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(skipped)) texts.push(walker.currentNode.data);
		for (const name of ["aria-label", "alt", "title", "placeholder"]) {
			for (const node of document.querySelectorAll("[" + name + "]")) if (!node.closest(skipped)) texts.push(node.getAttribute(name));
		}
		return texts.filter((text) => english.test(text.replace(/.*: .*(Face|Person).*/, "")));
	})()`) {
		p.Errorf("%s: the German page contains %q", view, text)
	}
}
