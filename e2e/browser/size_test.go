package browser

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"triptych/e2e/pagetest"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

const maxWeight = 90_000 // bytes of the files that the page loads, uncompressed

const library = "idb.js" // not written in this repository

func testSize(t *testing.T, h pageEnv) {
	for name, language := range map[string]string{"English": "en-GB", "German": "de-DE"} {
		parallel(t, "page_in_"+name+"_loads_at_most_90_kB_until_the_result", func(t *testing.T) {
			p := newTab(t, h.chromium, h.Endpoints.Site)
			p.setLanguage(language)
			p.do(chromedp.Navigate(p.site))
			p.click("#agree")
			p.send()
			files := evaluate[map[string]int](p, `Object.fromEntries(["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
				.filter(({name}) => name.startsWith(location.origin) && !/^\/(api|local)\//.test(new URL(name).pathname))
				.map(({name, decodedBodySize}) => [new URL(name).pathname, decodedBodySize]))`)
			weight := 0
			for _, size := range files {
				weight += size
			}
			_, german := files["/de.js"]
			if weight > maxWeight || german != (name == "German") || files["/photo-worker.js"] == 0 || files["/app.js"] == 0 {
				t.Errorf("%d bytes, want at most %d: %v", weight, maxWeight, files)
			}
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

func (p tab) setLanguage(language string) {
	p.Helper()
	agent := evaluate[string](p, `navigator.userAgent`)
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
		return chromedp.Void{}, err
	})
}
