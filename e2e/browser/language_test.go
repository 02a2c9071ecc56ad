package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func testLanguage(t *testing.T, h pageEnv) {
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
		parallel(t, name, func(t *testing.T) {
			p := newTab(t, h.chromium, h.deployedURL)
			p.setLanguages(c.languages...)
			p.do(chromedp.Navigate(p.site))
			evaluate[bool](p, `(async () => {`+storeEntry+`; location.reload(); return true; })()`)
			p.waitVisible("#pictures img")
			if got := evaluate[string](p, `document.documentElement.lang`); got != c.want {
				t.Errorf("the page's language is %q, want %q", got, c.want)
			}
			button := map[bool]string{true: "Kamera benutzen", false: "Use the camera"}[strings.HasPrefix(c.want, "de")]
			p.waitText("#open-camera", button)
		})
	}
	parallel(t, "picture_is_annotated_if_the_language_is_C", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.setLanguages("C")
		p.do(chromedp.Navigate(p.site))
		p.click("#agree")
		p.send()
		p.waitText("#title", "Your picture arrived")
	})
	parallel(t, "page_stays_English_if_the_German_texts_do_not_load", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.setLanguages("de")
		p.intercept("*/de.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { request.reset() })
		p.do(chromedp.Navigate(p.site))
		p.click("#agree")
		p.waitText("#open-camera", "Use the camera")
		if got := evaluate[string](p, `document.documentElement.lang`); got != "en" {
			t.Errorf("the page's language is %q", got)
		}
	})
	parallel(t, "title_is_hidden_until_the_German_texts_have_loaded", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.setLanguages("de")
		loading := make(chan pausedRequest, 1)
		p.intercept("*/de.js", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pausedRequest) { loading <- request })
		evaluate[bool](p, `location.href = "`+p.site+`", true`)
		request := receive(p, loading)
		const isVisible = `document.querySelector("#title")?.checkVisibility({visibilityProperty: true})`
		if evaluate[bool](p, `Boolean(`+isVisible+`)`) {
			t.Error("the page shows English")
		}
		request.pass()
		p.waitUntil(isVisible)
		p.expectGerman("start")
	})
	parallel(t, "English_page_does_not_request_the_German_texts", func(t *testing.T) {
		p := newTab(t, h.chromium, h.deployedURL)
		p.intercept("*/de*.js", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			t.Errorf("unexpected request: %s", r.Request.URL)
			request.pass()
		})
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
	})
	parallel(t, "German_page_contains_no_English", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.setLanguages("de")
		p.do(chromedp.Navigate(p.site))
		p.waitText("#retention", "löscht")
		p.expectGerman("agreement")
		p.click("#agree")
		p.waitVisible("#open-camera")
		p.expectGerman("start")
		p.click("#open-camera")
		p.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		p.expectGerman("camera")
		p.click("#close-camera")
		p.choose(portrait)
		p.expectGerman("review")
		p.click("#send")
		p.waitVisible(allDone, "#overlay polygon")
		p.expectGerman("result")
		p.click("#erase-this")
		p.waitVisible("#confirm")
		p.expectGerman("confirmation")
		p.click("#confirm-act")
		p.waitText("#notice p", "Gelöscht")
		p.expectGerman("erased")
	})
	parallel(t, "German_page_explains_refused_camera_and_files_in_German", func(t *testing.T) {
		p := h.visit(t, "de")
		evaluate[bool](p, `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError") }, true`)
		p.click("#open-camera")
		p.waitText("#notice p", "Kamera")
		p.expectGerman("camera error")
		text := filepath.Join(t.TempDir(), "text.jpg")
		if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.do(chromedp.SetUploadFiles("#file", []string{text}, chromedp.NodeReady))
		p.waitText("#notice p", "Browser")
		p.expectGerman("file error")
	})
	parallel(t, "German_page_shows_dates_and_numbers_in_German", func(t *testing.T) {
		p := h.visit(t, "de")
		evaluate[bool](p, `(async () => {
			const {add, saved} = await import("./history.js");
			add({key: "1", id: "1", token: "1", taken: new Date(2026, 10, 27, 20, 15).toISOString(), sent: true});
			await saved();
			location.reload();
			return true;
		})()`)
		p.waitVisible("#pictures img")
		p.expectNames("image", "Bild vom 27.11.2026, 20:15")
		if got := evaluate[string](p, `import("./language.js").then(({t}) => t("Erase {n} pictures?", {n: 1234}))`); got != "1.234 Bilder löschen?" {
			t.Errorf("1234 pictures: %q", got)
		}
	})
	parallel(t, "messages_of_the_API_are_translated_with_their_numbers", func(t *testing.T) {
		p := h.visit(t, "de")
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
			expression := fmt.Sprintf(`import("./language.js").then(async ({loadMessages, t}) => { await loadMessages(); return t(%s); })`, quoted(english))
			if got := evaluate[string](p, expression); got != german {
				t.Errorf("%q is %q, want %q", english, got, german)
			}
		}
	})
}

func testLanguageOfFaults(t *testing.T, h pageEnv) {
	for _, c := range []struct{ cloud, says string }{
		{"aws", "AWS "}, {"google", "Cloud Vision ist nicht verfügbar"}, {"azure", "Cosmos DB ist nicht verfügbar"},
	} {
		t.Run("German_page_says_in_German_that_"+c.cloud+"_is_down", func(t *testing.T) {
			p := h.visit(t, "de")
			plug := `.plug[data-cloud="` + c.cloud + `"] [data-fault="down"]`
			p.click(plug)
			p.waitVisible(plug + `[aria-pressed="true"]`)
			p.choose(portrait)
			p.click("#send")
			p.waitText("#reason", c.says)
			p.expectGerman(c.cloud + " is down")
			p.click(plug)
			p.waitVisible(plug+`[aria-pressed="false"]`, allDone)
		})
	}
	t.Run("German_page_says_in_German_that_Temporal_is_down", func(t *testing.T) {
		p := h.visit(t, "de")
		plug := `.plug[data-cloud="temporal"] [data-fault="down"]`
		p.choose(portrait)
		p.click("#send")
		p.waitVisible(allDone)
		p.click(plug)
		p.waitVisible(plug + `[aria-pressed="true"]`)
		p.click("#another")
		p.choose(portrait)
		p.click("#send")
		p.waitText("main", "Temporal antwortet nicht")
		p.expectGerman("Temporal is down")
		p.click(plug)
		p.waitVisible(plug+`[aria-pressed="false"]`, allDone)
	})
}

// Labels of buttons are longer in German than in English.
func inEachLanguage(t *testing.T, name string, test func(t *testing.T, language string)) {
	for language, suffix := range map[string]string{"en": "_in_English", "de": "_in_German"} {
		parallel(t, name+suffix, func(t *testing.T) { test(t, language) })
	}
}

// setLanguages must be called before the page is opened.
func (p tab) setLanguages(languages ...string) {
	p.Helper()
	list, err := json.Marshal(languages)
	if err != nil {
		p.Fatal(err)
	}
	p.addInitScript(`for (const [name, value] of Object.entries({languages: ` + string(list) + `, language: ` + string(list) + `?.[0]})) {
		Object.defineProperty(Navigator.prototype, name, {get: () => value});
	}`)
}

// expectGerman looks for English words in all texts, also in hidden ones. The fault switches of the local site and the
// names that Google found are English.
func (p tab) expectGerman(view string) {
	p.Helper()
	for _, text := range evaluate[[]string](p, `(() => {
		const english = /\b(the|of|and|your|you|is|it|this|that|picture|pictures|with|from|for|has|have|not|no|face|waits?|waiting|done|erase|another)\b/i;
		const skipped = ".plug, #temporal, noscript, #raw pre, #overlay, [lang=en]", texts = [document.title];
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
