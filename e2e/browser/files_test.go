package browser

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testFiles(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "chosen_dropped_or_pasted_file_is_reviewed_before_upload", func(t *testing.T) {
		p := h.Visit(t)
		p.Choose(pagetest.Portrait)
		for _, event := range []string{"drop", "paste"} {
			before := pagetest.Evaluate[string](p, `document.querySelector("#image").src`)
			dispatchFile(p, event, "image/png")
			p.WaitUntil(`document.querySelector("#image").src !== ` + pagetest.Quoted(before))
			p.WaitVisible("#review")
		}
	})
	pagetest.Parallel(t, "unreadable_dropped_or_pasted_file_produces_notice", func(t *testing.T) {
		p := h.Visit(t)
		for _, event := range []string{"drop", "paste"} {
			dispatchFile(p, event, "")
			p.WaitText("#notice p", "cannot read that file")
			p.Click(`#notice [aria-label="Dismiss"]`)
			p.Do(chromedp.WaitNotVisible("#notice"))
		}
	})
	pagetest.Parallel(t, "uploaded_JPEG_is_upright_scaled_down_and_without_EXIF", func(t *testing.T) {
		p := h.Visit(t)
		p.Choose(pagetest.Sideways(t))
		p.WaitText("#photo-info", "800 × 1600 pixels")
		sent := pagetest.Evaluate[string](p, `import("./state.js").then(({state}) => state.photo.blob.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`)
		photo, err := base64.StdEncoding.DecodeString(sent)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := jpeg.Decode(bytes.NewReader(photo))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(photo, []byte("Exif")) {
			t.Error("the JPEG contains EXIF data")
		}
		if red, _, blue, _ := picture.At(400, 100).RGBA(); red < blue {
			t.Error("the picture is not upright")
		}
	})
	for name, content := range map[string]string{"text": "this is no picture", "empty": "", "truncated_JPEG": "\xff\xd8\xff\xe1\x00\x22Exif\x00\x00", "PNG_without_pixels": emptyPNG, "transparent_PNG": transparentPNG(t)} {
		pagetest.Parallel(t, name+"_file_is_refused_and_another_can_be_chosen", func(t *testing.T) {
			p := h.Visit(t)
			fake := filepath.Join(t.TempDir(), "fake.jpg")
			if err := os.WriteFile(fake, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			p.Do(chromedp.SetUploadFiles("#file", []string{fake}, chromedp.NodeReady))
			p.WaitText("#notice p", "cannot read that file")
			p.WaitText("#notice button.primary", "Choose a picture")
			p.Choose(pagetest.Portrait)
			p.Do(chromedp.WaitNotVisible("#notice"))
		})
	}
	pagetest.Parallel(t, "transparent_line_drawing_is_reviewed", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, pagetest.RecordWorkers)
		p.Choose(pagetest.LineDrawing(t))
		p.WaitText("#photo-info", "1600 × 1067 pixels")
		if answers := pagetest.Evaluate[[]bool](p, `answers`); len(answers) != 1 || !answers[0] {
			t.Errorf("the workers answered %v", answers)
		}
	})
	pagetest.Parallel(t, "uploaded_object_that_is_no_image_is_rejected_with_reason", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, pagetest.UploadText)
		p.WaitVisible(`#steps [data-step="annotate"][data-status="failed"]`, `#steps [data-step="persist"][data-status="done"]`)
		p.WaitText("#title", "cannot be used")
		if words := pagetest.Evaluate[string](p, `document.querySelector("#lead").textContent`); len(words) < 20 {
			t.Errorf("the reason is %q", words)
		}
		p.Screenshot("rejected")
	})
}

// emptyPNG has 8 × 8 pixels in its header and no others. An <img> loads it and shows nothing.
const emptyPNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x08\x00\x00\x00\x08\x08\x02\x00\x00\x00\x4b\x6d\x29\xdc" +
	"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e\x00\x00\x00\x00IEND\xae\x42\x60\x82"

func transparentPNG(t *testing.T) string {
	t.Helper()
	var content strings.Builder
	if err := png.Encode(&content, image.NewNRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return content.String()
}

func dispatchFile(p pagetest.Tab, event, mimeType string) {
	p.Helper()
	pagetest.Evaluate[bool](p, pagetest.DispatchFile(event, mimeType))
}
