package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// maxWeight is what the page may weigh without the picture, in bytes as they are stored.
const maxWeight = 60_000

func testWeight(t *testing.T, h house) {
	meanwhile(t, "the_page_weighs_little", func(t *testing.T) {
		var weight int64
		files := os.DirFS("../../web/site")
		err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			weight += info.Size()
			content, _ := fs.ReadFile(files, path)
			if lines := strings.Count(string(content), "\n"); strings.HasSuffix(path, ".js") && lines >= 200 {
				t.Errorf("%s has %d lines", path, lines)
			}
			if strings.Contains(string(content), "innerHTML") {
				t.Errorf("%s makes markup of text", path)
			}
			return err
		})
		if err != nil || weight > maxWeight {
			t.Errorf("%d bytes, want at most %d; %v", weight, maxWeight, err)
		}
	})
	meanwhile(t, "it_is_there_with_nothing_but_HTML_CSS_and_JS_of_its_own", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			path, own := strings.CutPrefix(r.Request.URL, p.site+"/")
			if own && (path == "" || slices.Contains([]string{".css", ".js"}, filepath.Ext(path)) && !strings.HasPrefix(path, "local/")) {
				answer.goOn()
			}
		})
		p.do(chromedp.Navigate(p.site))
		p.see("#agreement")
	})
}
