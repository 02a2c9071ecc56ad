package appearance

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

// In bytes, uncompressed.
const maxWeight = 90_000

const library = "idb.js" // not written in this repository

func testSize(t *testing.T, h pagetest.Env) {
	for _, c := range []struct {
		name, language string
		german         bool
	}{
		{"published_page_in_English_loads_at_most_90_kB_until_the_result", "en-GB", false},
		{"published_page_in_German_starts_with_at_most_90_kB_and_shows_the_result", "de-DE", true},
	} {
		pagetest.Parallel(t, c.name, func(t *testing.T) {
			p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
			p.SetLanguages(c.language)
			p.Do(chromedp.Navigate(p.Site))
			p.WaitVisible("body.ready #agreement")
			files, started := weigh(p)
			if _, german := files["/de.js"]; started > maxWeight || german != c.german || files["/app.js"] == 0 {
				t.Errorf("%d bytes until the page has started, want at most %d: %v", started, maxWeight, files)
			}
			p.Click("#agree")
			p.Send()
			files, shown := weigh(p)
			if !c.german && shown > maxWeight || files["/photo-worker.js"] == 0 {
				t.Errorf("%d bytes until the result, want at most %d: %v", shown, maxWeight, files)
			}
			t.Logf("%d bytes until the page has started, %d until the result", started, shown)
		})
	}
	t.Run("modules_are_short_and_write_no_HTML", func(t *testing.T) {
		files := os.DirFS(pagetest.SiteFiles)
		names, err := fs.Glob(files, "*.js")
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			content, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			if lines := strings.Count(string(content), "\n"); name != library && name != "de.js" && lines >= 200 {
				t.Errorf("%s has %d lines", name, lines)
			}
			if strings.Contains(string(content), "innerHTML") {
				t.Errorf("%s uses innerHTML", name)
			}
		}
	})
	pagetest.Parallel(t, "page_starts_with_only_its_own_HTML_CSS_and_JS", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			path, own := strings.CutPrefix(r.Request.URL, p.Site+"/")
			if own && (path == "" || slices.Contains([]string{".css", ".js"}, filepath.Ext(path)) && !strings.HasPrefix(path, "local/")) {
				request.Pass()
			}
		})
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
	})
}

func weigh(p pagetest.Tab) (files map[string]int, sum int) {
	p.Helper()
	files = pagetest.Evaluate[map[string]int](p, `Object.fromEntries(["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
		.filter(({name}) => name.startsWith(location.origin) && !/^\/(api|local)\//.test(new URL(name).pathname))
		.map(({name, decodedBodySize}) => [new URL(name).pathname, decodedBodySize]))`)
	for _, size := range files {
		sum += size
	}
	return files, sum
}
