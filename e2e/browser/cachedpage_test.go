package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

type siteState int32

const (
	siteUp siteState = iota
	pageDown
	pageSilent // never responds
	siteDown
)

func unreliableSite(t *testing.T, site string) (address string, state *atomic.Int32) {
	t.Helper()
	target, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	state = new(atomic.Int32)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // the gateway refuses requests whose Origin differs from Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := siteState(state.Load())
		if state == pageSilent && r.URL.Path == "/" {
			<-r.Context().Done()
		}
		if state == siteDown || state == pageDown && r.URL.Path == "/" {
			panic(http.ErrAbortHandler)
		}
		if state == pageDown && path.Ext(r.URL.Path) == ".js" && r.URL.Path != "/sw.js" && !strings.HasPrefix(r.URL.Path, "/local/") {
			t.Errorf("the page from the cache requests %s", r.URL.Path)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, state
}

func stopServiceWorkers(p pagetest.Tab) {
	p.Helper()
	for _, command := range []cdp.Command[cdp.Empty, cdp.Empty]{serviceworker.Enable, serviceworker.StopAllWorkers} {
		p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, command, cdp.Empty{})
			return chromedp.Void{}, err
		})
	}
}

func testCachedPage(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "page_from_the_cache_works_after_its_service_worker_was_stopped", func(t *testing.T) {
		p, state := visitStored(t, h)
		state.Store(int32(pageDown))
		p.Do(chromedp.Navigate(p.Site))
		p.Click("#agree")
		p.WaitVisible("#open-camera")

		state.Store(int32(siteDown))
		stopServiceWorkers(p)
		for _, module := range []string{"card.js", "highlight.js", "resultview.js"} {
			if failure := pagetest.Evaluate[string](p, `import("./`+module+`").then(() => "", String)`); failure != "" {
				t.Errorf("%s: %s", module, failure)
			}
		}
		pagetest.Evaluate[bool](p, pagetest.RecordWorkers)
		p.Choose(pagetest.Portrait)
		if answers := pagetest.Evaluate[[]bool](p, `answers`); !slices.Equal(answers, []bool{true}) {
			t.Errorf("the workers read %v, want one picture", answers)
		}
	})
	pagetest.Parallel(t, "page_from_the_cache_replaces_a_page_that_does_not_load_within_5_seconds", func(t *testing.T) {
		p, state := visitStored(t, h)
		state.Store(int32(pageSilent))
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
	})
}

// visitStored opens a page whose service worker has stored it.
func visitStored(t *testing.T, h pagetest.Env) (pagetest.Tab, *atomic.Int32) {
	t.Helper()
	address, state := unreliableSite(t, h.Endpoints.Site)
	p := h.OpenBeside(t, pagetest.NewTab(t, h.Chromium, address)) // NewTab hides the service worker
	p.Do(chromedp.Navigate(p.Site))
	p.WaitVisible("#agreement")
	pagetest.Evaluate[bool](p, `navigator.serviceWorker.ready.then(() => true)`)
	return p, state
}
