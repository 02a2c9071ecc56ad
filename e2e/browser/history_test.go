package main

import (
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func testAlbum(t *testing.T, h house) {
	meanwhile(t, "pictures_are_remembered_opened_and_erased", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		first := evaluate[string](p, "location.hash")
		p.click("#again")
		p.send()
		p.click("#again")
		p.do(chromedp.Reload())
		p.see("#pictures li:nth-child(2) img")
		p.shoot("album")
		p.click(`#pictures a[href="` + first + `"]`)
		p.see("#result", "#marks polygon")

		p.click("#erase-this", "#sure-keep")
		p.see("#result")
		p.click("#erase-this", "#sure-erase")
		p.reads("#title", "was erased")
		p.reads("#notice p", "Erased")
		if evaluate[bool](p, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the erased picture is still shown")
		}
		p.shoot("erased")
		for _, path := range []string{"", "/image"} {
			status := evaluate[int](p, `fetch("/api/pictures/`+first[1:]+path+`").then(async (r) => r.ok && (await r.json()).status === "erased" ? 410 : r.status)`)
			if status != 410 {
				t.Errorf("%q of the erased picture is answered %d", path, status)
			}
		}

		p.click("#again")
		p.send()
		p.click("#again")
		p.see("#pictures li:nth-child(2)")
		var mu sync.Mutex
		var asked []string // of the pictures
		p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			mu.Lock()
			asked = append(asked, r.Request.Method)
			mu.Unlock()
			answer.goOn()
		})
		p.click("#erase-all")
		p.reads("#sure-title", "Erase 2 pictures?")
		p.click("#sure-erase")
		p.until(`document.querySelector("#history").hidden`)
		p.reads("#notice p", "Erased")
		mu.Lock()
		defer mu.Unlock()
		if asked = slices.Compact(asked); !slices.Equal(asked, []string{"DELETE", "GET", "DELETE", "GET"}) {
			t.Errorf("they are not erased one after the other: %v", asked)
		}
		if kept := evaluate[string](p, `localStorage.getItem("triptych.pictures")`); kept != "[]" {
			t.Errorf("kept: %s", kept)
		}
	})
	meanwhile(t, "an_erasure_goes_on_after_a_reload", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `import("./album.js").then(({load, change}) => Boolean(change(load(), {erasing: true})))`)
		p.do(chromedp.Navigate(p.site)) // which loads the page anew
		p.reads("#notice p", "Erased")
		p.until(`document.querySelector("#history").hidden`)
	})
	meanwhile(t, "a_picture_that_cannot_be_erased_yet_stays_and_that_is_said", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `window.setTimeout = ((wait) => (then, ms) => wait(then, ms / 100))(setTimeout), true`)
		p.intercept("*/api/pictures/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, answer answers) {
			if r.Request.Method == "DELETE" {
				answer.refuse(503)
				return
			}
			answer.goOn()
		})
		p.click("#again", "#erase-all", "#sure-erase")
		p.reads("#notice p", "answered 503")
		p.see("#pictures button:enabled")
	})
	meanwhile(t, "where_the_browser_keeps_nothing_the_page_knows_its_pictures_while_it_is_open", func(t *testing.T) {
		p := newTab(t, h.chromium, h.Endpoints.Site)
		p.first(`Object.defineProperty(window, "localStorage", {get() { throw new DOMException("", "SecurityError"); }})`)
		p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"))
		for range 2 {
			p.send()
			p.click("#again")
		}
		p.see("#pictures li:nth-child(2)")
		p.click("#erase-all", "#sure-erase")
		p.until(`document.querySelector("#history").hidden`)
		p.reads("#notice p", "Erased")
	})
	meanwhile(t, "going_home_leaves_one_step_back_and_none_from_there", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		before := evaluate[int](p, `history.length`)
		p.click("#again", "#home", "#open-camera", "#close-camera", "#home")
		if after := evaluate[int](p, `history.length`); after != before+1 {
			t.Errorf("%d steps were added", after-before)
		}
		p.do(chromedp.NavigateBack())
		p.see("#result")
	})
	meanwhile(t, "another_browser_that_knows_the_link_sees_it_and_cannot_erase_it", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		other := newTab(t, h.chromium, p.site)
		other.do(chromedp.Navigate(evaluate[string](p, "location.href")))
		other.see("#result", "#marks polygon")
		if evaluate[bool](other, `document.querySelector("#erase-this").checkVisibility()`) {
			t.Error("it is offered to be erased")
		}
	})
}
