package browser

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

const maxSiteSize = 90_000 // bytes, uncompressed

const library = "idb.js" // not written in this repository

func testSize(t *testing.T, h pageEnv) {
	parallel(t, "site_files_stay_below_size_limits", func(t *testing.T) {
		var weight int64
		files := os.DirFS("../../web/site")
		err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			weight += info.Size()
			content, _ := fs.ReadFile(files, path)
			if lines := strings.Count(string(content), "\n"); strings.HasSuffix(path, ".js") && path != library && lines >= 200 {
				t.Errorf("%s has %d lines", path, lines)
			}
			if strings.Contains(string(content), "innerHTML") {
				t.Errorf("%s uses innerHTML", path)
			}
			return err
		})
		if err != nil || weight > maxSiteSize {
			t.Errorf("%d bytes, want at most %d; %v", weight, maxSiteSize, err)
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
