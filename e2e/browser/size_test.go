package browser

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/deploy/page"
	"triptych/e2e/pagetest"
)

// Bytes of the published files that the page loads, uncompressed. German adds its dictionary, so the limit until the
// result is only for English.
const maxWeight = 90_000

const library = "idb.js" // not written in this repository

func testSize(t *testing.T, h pageEnv) {
	for _, c := range []struct {
		name, language string
		german         bool
	}{
		{"published_page_in_English_loads_at_most_90_kB_until_the_result", "en-GB", false},
		{"published_page_in_German_starts_with_at_most_90_kB_and_shows_the_result", "de-DE", true},
	} {
		parallel(t, c.name, func(t *testing.T) {
			p := newTab(t, h.chromium, h.Endpoints.Site)
			p.setLanguages(c.language)
			p.minifyFiles()
			p.do(chromedp.Navigate(p.site))
			p.waitVisible("body.ready #agreement")
			files, started := p.weigh()
			if _, german := files["/de.js"]; started > maxWeight || german != c.german || files["/app.js"] == 0 {
				t.Errorf("%d bytes until the page has started, want at most %d: %v", started, maxWeight, files)
			}
			p.click("#agree")
			p.send()
			files, shown := p.weigh()
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
	parallel(t, "page_starts_with_only_its_own_HTML_CSS_and_JS", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
			path, own := strings.CutPrefix(r.Request.URL, p.site+"/")
			if own && (path == "" || slices.Contains([]string{".css", ".js"}, filepath.Ext(path)) && !strings.HasPrefix(path, "local/")) {
				request.pass()
			}
		})
		p.do(chromedp.Navigate(p.site))
		p.waitVisible("#agreement")
	})
}

// minifyFiles answers requests for CSS and JavaScript with the files that `make deploy` publishes.
func (p tab) minifyFiles() {
	p.Helper()
	p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pausedRequest) {
		name, _ := strings.CutPrefix(r.Request.URL, p.site+"/")
		kind := map[string]string{".css": "text/css", ".js": "text/javascript"}[path.Ext(name)]
		if kind == "" || strings.Contains(name, "/") {
			request.pass()
			return
		}
		content, err := os.ReadFile(filepath.Join(pagetest.SiteFiles, name))
		if err == nil {
			content, err = page.Minify(name, content)
		}
		if err != nil {
			p.Error(err)
			request.reset()
			return
		}
		respond(request, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: request.id, ResponseCode: 200,
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: kind}}, Body: content})
	})
}

// weigh returns the sizes of the site's files that the page has loaded, and their sum. It does not count the files that
// the service worker stores.
func (p tab) weigh() (files map[string]int, sum int) {
	p.Helper()
	files = evaluate[map[string]int](p, `Object.fromEntries(["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
		.filter(({name}) => name.startsWith(location.origin) && !/^\/(api|local)\//.test(new URL(name).pathname))
		.map(({name, decodedBodySize}) => [new URL(name).pathname, decodedBodySize]))`)
	for _, size := range files {
		sum += size
	}
	return files, sum
}
