package main

import (
	"testing"

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

		p.click("#again", "#erase-all", "#sure-erase")
		p.until(`document.querySelector("#history").hidden`)
		if kept := evaluate[string](p, `localStorage.getItem("triptych.pictures")`); kept != "[]" {
			t.Errorf("kept: %s", kept)
		}
	})
	meanwhile(t, "an_erasure_goes_on_after_a_reload", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		evaluate[bool](p, `import("./album.js").then(({load, change}) => Boolean(change(load()[0].id, {erasing: true})))`)
		p.do(chromedp.Navigate(p.site)) // which loads the page anew
		p.reads("#notice p", "Erased")
		p.until(`document.querySelector("#history").hidden`)
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
