package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

func testFiles(t *testing.T, h house) {
	meanwhile(t, "a_file_that_is_chosen_dropped_or_pasted_is_shown_before_it_is_sent", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		for _, event := range []string{"drop", "paste"} {
			before := evaluate[string](p, `document.querySelector("#image").src`)
			p.hand(event, "image/png")
			p.until(`document.querySelector("#image").src !== ` + quoted(before))
			p.see("#review")
		}
	})
	meanwhile(t, "a_file_that_is_dropped_or_pasted_and_cannot_be_read_is_refused_with_a_word", func(t *testing.T) {
		p := h.visit(t)
		for _, event := range []string{"drop", "paste"} {
			p.hand(event, "")
			p.reads("#notice p", "cannot read that file")
			p.click(`#notice [aria-label="Dismiss"]`)
			p.do(chromedp.WaitNotVisible("#notice"))
		}
	})
	meanwhile(t, "what_is_sent_is_upright_small_and_says_nothing_of_where_it_was_taken", func(t *testing.T) {
		p := h.visit(t)
		p.choose(sideways(t))
		p.reads("#weight", "800 × 1600 pixels")
		sent := evaluate[string](p, `import("./state.js").then(({state}) => state.shot.blob.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`)
		photo, err := base64.StdEncoding.DecodeString(sent)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := jpeg.Decode(bytes.NewReader(photo))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(photo, []byte("Exif")) {
			t.Error("EXIF data is sent")
		}
		// The red half was on the left, and is at the top of the upright picture.
		if red, _, blue, _ := picture.At(400, 100).RGBA(); red < blue {
			t.Error("the picture lies on its side")
		}
	})
	for name, content := range map[string]string{"is_no_picture": "this is no picture", "is_empty": "", "is_a_picture_cut_short": "\xff\xd8\xff\xe1\x00\x22Exif\x00\x00"} {
		meanwhile(t, "a_file_that_"+name+"_is_not_sent_and_another_can_be_chosen", func(t *testing.T) {
			p := h.visit(t)
			fake := filepath.Join(t.TempDir(), "fake.jpg")
			if err := os.WriteFile(fake, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			p.do(chromedp.SetUploadFiles("#file", []string{fake}, chromedp.NodeReady))
			p.reads("#notice p", "cannot read that file")
			p.reads("#notice button.primary", "Choose a picture")
			p.choose(portrait)
			p.do(chromedp.WaitNotVisible("#notice"))
		})
	}
	meanwhile(t, "a_file_that_came_without_the_page_and_is_no_picture_is_rejected_with_the_reason", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, `import("./upload.js").then(({deliver}) => deliver(new Blob(["this is no picture"], {type: "image/jpeg"}), {
			onGrant: ({id}) => { location.hash = id; },
			onChange() {},
			signal: new AbortController().signal,
		})).then(() => true)`)
		p.see(`#steps [data-step="annotate"][data-status="failed"]`, `#steps [data-step="persist"][data-status="done"]`)
		p.reads("#title", "cannot be used")
		if words := evaluate[string](p, `document.querySelector("#lead").textContent`); len(words) < 20 {
			t.Errorf("the reason is %q", words)
		}
		p.shoot("rejected")
	})
}

// sideways is a photograph of 2400 × 1200 pixels, red on its left and blue on its right, whose EXIF data say
// that it is to be turned clockwise.
func sideways(t *testing.T) string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 2400, 1200))
	for y := range 1200 {
		for x := range 2400 {
			c := color.RGBA{200, 0, 0, 255}
			if x >= 1200 {
				c = color.RGBA{0, 0, 200, 255}
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, picture, nil); err != nil {
		t.Fatal(err)
	}
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	path := filepath.Join(t.TempDir(), "sideways.jpg")
	if err := os.WriteFile(path, append(append([]byte("\xff\xd8"), exif...), plain.Bytes()[2:]...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// hand drops or pastes a small picture, or a file of no type that is none.
func (p tab) hand(event, kind string) {
	p.Helper()
	evaluate[bool](p, `(async () => {
		const canvas = new OffscreenCanvas(80, 60);
		canvas.getContext("2d").fillRect(0, 0, 40, 60);
		const data = new DataTransfer();
		const type = "`+kind+`";
		data.items.add(new File([type ? await canvas.convertToBlob() : "text"], "a", {type}));
		dispatchEvent("`+event+`" === "drop" ? new DragEvent("drop", {dataTransfer: data, cancelable: true}) : new ClipboardEvent("paste", {clipboardData: data}));
		return true;
	})()`)
}
