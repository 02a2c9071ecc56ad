package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testInterruptedImage(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "image_whose_transfer_is_interrupted_twice_is_loaded_again", func(t *testing.T) {
		sender := h.Visit(t)
		sender.Send()
		p := pagetest.NewTab(t, h.Chromium, interruptImages(t, h.Endpoints.Site))
		p.AddInitScript(`window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout)`)
		p.Do(chromedp.Navigate(p.Site + "/" + pagetest.Evaluate[string](sender, `location.hash`)))
		p.WaitUntil(`document.querySelector("#image").naturalWidth > 0 && document.querySelector("#image").checkVisibility()`)
		p.WaitText("#lead", "Through three clouds")
	})
}

// interruptImages returns the URL of a proxy. It interrupts each transfer of an image until it has interrupted two
// requests of the page's scripts, which request an image that could not be shown.
func interruptImages(t *testing.T, site string) string {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	var byScripts atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt := byScripts.Load() < 2
		if !strings.HasSuffix(r.URL.Path, "/image") || !interrupt {
			forward.ServeHTTP(w, r)
			return
		}
		if r.Header.Get("Sec-Fetch-Dest") == "empty" {
			byScripts.Add(1)
		}
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte("\xff\xd8\xff"))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	return proxy.URL
}
