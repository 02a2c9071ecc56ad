package journey

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"triptych/e2e/pagetest"
	"triptych/e2e/stacktest"
)

func testUpload(t *testing.T, w window) {
	t.Run("connection_reset_before_upload_is_reported_and_retried", func(t *testing.T) {
		w := w.visit(t)
		var reported atomic.Bool
		w.interceptPUT(func(http.ResponseWriter, *http.Request) bool {
			if !reported.Load() {
				panic(http.ErrAbortHandler)
			}
			return false
		})
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.waitVisible(`#steps [data-step="presign"][data-status="retrying"]`)
		w.waitText("#title", "The upload waits")
		reported.Store(true)
		w.waitVisible(pagetest.AllDone)
		w.waitUntil(historyLength + ` === 1`)
	})
	t.Run("upload_stops_after_three_refused_grants", func(t *testing.T) {
		w := w.visit(t)
		var puts atomic.Int32
		w.interceptPUT(func(rw http.ResponseWriter, r *http.Request) bool {
			puts.Add(1)
			io.Copy(io.Discard, r.Body)
			rw.Header().Set("Access-Control-Allow-Origin", "*")
			rw.WriteHeader(http.StatusForbidden)
			return true
		})
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.waitText("#notice p", "status 403")
		w.waitVisible("#review")
		if n := puts.Load(); n != 3 {
			t.Errorf("%d uploads, want 3", n)
		}
		w.waitUntil(`location.hash === "" && ` + historyLength + ` === 0`)
	})
	t.Run("picture_sent_while_the_site_cannot_be_reached_is_sent_later", func(t *testing.T) {
		w := w.visit(t)
		w.choose(pagetest.Portrait)
		w.proxy.intercept(resetConnection)
		w.click("#send")
		w.waitText("#title", "The upload waits")
		w.waitText("#reason", "connection")
		w.proxy.intercept(nil)
		w.waitVisible(pagetest.AllDone)
	})
	t.Run("offline_upload_continues_when_online", func(t *testing.T) {
		if w.setOffline == nil {
			t.Skip("this browser cannot be taken offline by WebDriver")
		}
		w := w.visit(t)
		offline := func(yes bool) {
			if err := w.setOffline(context.Background(), w.driver, yes); err != nil {
				t.Fatal(err)
			}
		}
		w.choose(pagetest.Portrait)
		offline(true)
		t.Cleanup(func() { offline(false) })
		w.proxy.intercept(resetConnection) // Firefox still reaches loopback addresses
		w.click("#send")
		w.waitText("#lead", "You are offline")
		w.proxy.intercept(nil)
		offline(false)
		w.waitVisible(pagetest.AllDone)
	})
}

func testStoppedUpload(t *testing.T, w window) {
	t.Run("cancelled_upload_leaves_nothing_and_can_be_repeated", func(t *testing.T) {
		w := w.visit(t)
		puts := w.holdFirstPUT()
		w.choose(pagetest.Portrait)
		w.click("#send")
		w.awaitCount(puts, 1)
		w.waitVisible("#upload")
		w.click("#cancel")
		w.waitVisible("#review", "#notice")
		w.waitText("#lead", "cancelled or refused")
		w.waitUntil(`location.hash === "" && ` + historyLength + ` === 0`)
		w.click("#send")
		w.waitVisible(pagetest.AllDone)
	})
	for name, leave := range map[string]func(window){
		"the_link_to_the_start": func(w window) { w.click("#home") },
		"the_back_button":       func(w window) { w.back() },
	} {
		t.Run("upload_left_by_"+name+"_keeps_the_picture", func(t *testing.T) {
			w := w.visit(t)
			w.send()
			w.click("#another")
			puts := w.holdFirstPUT()
			w.choose(pagetest.Portrait)
			w.click("#send")
			w.awaitCount(puts, 1)
			leave(w)
			w.click("#home")
			w.waitVisible("#unsent img")
			w.click("#unsent .primary")
			w.waitVisible(pagetest.AllDone, "#result")
			w.waitUntil(historyLength + ` === 2`)
		})
	}
}

// interceptPUT leaves CORS preflights alone.
func (w window) interceptPUT(handle handler) {
	w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPut && "http://"+r.Host == w.s3 && handle(rw, r)
	})
}

func (w window) holdFirstPUT() *atomic.Int32 {
	var puts atomic.Int32
	w.interceptPUT(func(_ http.ResponseWriter, r *http.Request) bool {
		if puts.Add(1) > 1 {
			return false
		}
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return true
	})
	return &puts
}

func (w window) awaitCount(count *atomic.Int32, n int32) {
	w.Helper()
	if !stacktest.Eventually(w.T, func(context.Context) bool { return count.Load() >= n }) {
		w.Fatalf("%d uploads, want %d", count.Load(), n)
	}
}

func resetConnection(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
