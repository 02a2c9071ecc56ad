package browser

import (
	"bytes"
	"encoding/base64"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testFiles(t *testing.T, h pageEnv) {
	parallel(t, "chosen_dropped_or_pasted_file_is_reviewed_before_upload", func(t *testing.T) {
		p := h.visit(t)
		p.choose(portrait)
		for _, event := range []string{"drop", "paste"} {
			before := evaluate[string](p, `document.querySelector("#image").src`)
			p.dispatchFile(event, "image/png")
			p.waitUntil(`document.querySelector("#image").src !== ` + quoted(before))
			p.waitVisible("#review")
		}
	})
	parallel(t, "unreadable_dropped_or_pasted_file_produces_notice", func(t *testing.T) {
		p := h.visit(t)
		for _, event := range []string{"drop", "paste"} {
			p.dispatchFile(event, "")
			p.waitText("#notice p", "cannot read that file")
			p.click(`#notice [aria-label="Dismiss"]`)
			p.do(chromedp.WaitNotVisible("#notice"))
		}
	})
	parallel(t, "uploaded_JPEG_is_upright_scaled_down_and_without_EXIF", func(t *testing.T) {
		p := h.visit(t)
		p.choose(pagetest.Sideways(t))
		p.waitText("#photo-info", "800 × 1600 pixels")
		sent := evaluate[string](p, `import("./state.js").then(({state}) => state.photo.blob.arrayBuffer()).then((b) => btoa(String.fromCharCode(...new Uint8Array(b))))`)
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
	for name, content := range map[string]string{"text": "this is no picture", "empty": "", "truncated_JPEG": "\xff\xd8\xff\xe1\x00\x22Exif\x00\x00"} {
		parallel(t, name+"_file_is_refused_and_another_can_be_chosen", func(t *testing.T) {
			p := h.visit(t)
			fake := filepath.Join(t.TempDir(), "fake.jpg")
			if err := os.WriteFile(fake, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			p.do(chromedp.SetUploadFiles("#file", []string{fake}, chromedp.NodeReady))
			p.waitText("#notice p", "cannot read that file")
			p.waitText("#notice button.primary", "Choose a picture")
			p.choose(portrait)
			p.do(chromedp.WaitNotVisible("#notice"))
		})
	}
	parallel(t, "uploaded_object_that_is_no_image_is_rejected_with_reason", func(t *testing.T) {
		p := h.visit(t)
		evaluate[bool](p, pagetest.UploadText)
		p.waitVisible(`#steps [data-step="annotate"][data-status="failed"]`, `#steps [data-step="persist"][data-status="done"]`)
		p.waitText("#title", "cannot be used")
		if words := evaluate[string](p, `document.querySelector("#lead").textContent`); len(words) < 20 {
			t.Errorf("the reason is %q", words)
		}
		p.screenshot("rejected")
	})
}

func (p tab) dispatchFile(event, mimeType string) {
	p.Helper()
	evaluate[bool](p, pagetest.DispatchFile(event, mimeType))
}
