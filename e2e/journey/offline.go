package journey

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"triptych/e2e/pagetest"
)

func waitUntilInstalled(w window) {
	w.Helper()
	evaluate[bool](w, `navigator.serviceWorker.ready.then(() => true)`)
}

func testOffline(t *testing.T, w window) {
	t.Run("only_files_of_the_site_are_stored_for_an_offline_start", func(t *testing.T) {
		w := w.visit(t)
		waitUntilInstalled(w)
		w.navigate(w.site) // Firefox's WebDriver reloads without the service worker
		w.send()           // requests the API, the bucket and the fault switches
		stored := evaluate[[]string](w, `caches.open("site").then((cache) => cache.keys()).then((requests) => requests.map(({url}) => url))`)
		if names := evaluate[[]string](w, `caches.keys()`); !slices.Equal(names, []string{"site", "pages"}) {
			t.Errorf("the caches are %q", names)
		}
		entries, err := os.ReadDir(pagetest.SiteFiles)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{w.site + "/"}
		for _, entry := range entries {
			if name := entry.Name(); name != "index.html" && name != "sw.js" {
				want = append(want, w.site+"/"+name)
			}
		}
		if slices.Sort(stored); !slices.Equal(stored, want) {
			t.Errorf("the browser stores %q, want %q", stored, want)
		}
	})
	t.Run("picture_taken_after_an_offline_start_is_sent_when_online", func(t *testing.T) {
		w := w.visit(t)
		waitUntilInstalled(w)
		w.proxy.intercept(resetConnection)
		w.navigate(w.site)
		w.waitVisible("#open-camera")
		evaluate[bool](w, pagetest.RecordWorkers)
		w.choose(pagetest.Portrait)
		if answers := evaluate[[]bool](w, `answers`); !slices.Equal(answers, []bool{true}) {
			t.Errorf("the workers read %v, want one picture", answers)
		}
		w.click("#send")
		w.waitVisible(`#steps [data-step="presign"][data-status="retrying"]`)
		w.proxy.intercept(nil)
		evaluate[bool](w, `dispatchEvent(new Event("online"))`)
		w.waitVisible(pagetest.AllDone, "#result")
	})
}

func testNewVersion(t *testing.T, w window) {
	t.Run("new_version_is_shown_immediately_and_replaces_the_stored_one_as_a_whole", func(t *testing.T) {
		w := w.visit(t)
		waitUntilInstalled(w)
		index, err := os.ReadFile(pagetest.SiteFiles + "/index.html")
		if err != nil {
			t.Fatal(err)
		}
		deploy := func(version, missing string) (missed chan bool) {
			missed = make(chan bool, 1)
			w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				switch r.URL.Path {
				case "/":
					rw.Header().Set("Content-Type", "text/html")
					rw.Write([]byte(strings.Replace(string(index), `<html`, `<html class="`+version+`"`, 1)))
					return true
				case missing:
					select {
					case missed <- true:
					default:
					}
					panic(http.ErrAbortHandler)
				}
				return false
			})
			w.navigate(w.site)
			w.waitVisible("html." + version)
			return missed
		}
		const started = `document.body.classList.contains("ready")`
		const stored = `(async () => (await (await caches.match("/", {cacheName: "site"})).text()).match(/html class="([^"]+)/)?.[1] ?? "")()`

		<-deploy("without-module", "/text.js")
		evaluate[bool](w, `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() => true)`)
		if evaluate[bool](w, started) {
			t.Error("the page mixes a new version with a stored one")
		}
		missed := deploy("without-icon", "/icon-192.png")
		w.waitUntil(started)
		<-missed
		if version := evaluate[string](w, stored); version != "" {
			t.Errorf("the browser stores parts of the version %s", version)
		}
		deploy("whole", "")
		evaluate[bool](w, `(async () => { while (await `+stored+` !== "whole") await new Promise((next) => setTimeout(next, 50)); return true; })()`)
		w.proxy.intercept(resetConnection)
		w.navigate(w.site)
		w.waitVisible("html.whole", "#open-camera")
		w.proxy.intercept(nil)
		w.navigate(w.site)
		w.waitVisible("html:not([class])")
	})
}
