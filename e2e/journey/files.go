package journey

import (
	"os"
	"path/filepath"
	"testing"

	"triptych/e2e/pagetest"
)

func testFiles(t *testing.T, w window) {
	t.Run("dropped_or_pasted_file_is_reviewed_before_upload", func(t *testing.T) {
		w := w.visit(t)
		for _, event := range []string{"drop", "paste"} {
			before := evaluate[string](w, `document.querySelector("#image").src`)
			evaluate[bool](w, pagetest.DispatchFile(event, "image/png"))
			w.waitUntil(`document.querySelector("#image").src !== ` + pagetest.Quoted(before))
			w.waitVisible("#review")
		}
	})
	t.Run("AVIF_file_is_annotated", func(t *testing.T) {
		w := w.visit(t)
		w.choose("../journey/testdata/astronaut.avif")
		w.click("#send")
		w.waitVisible(pagetest.AllDone, "#image", "#overlay polygon")
	})
	for _, file := range []struct{ name, content string }{
		{"fake.jpg", "this is no picture"},
		{"photo.heic", heic},
	} {
		t.Run("unreadable_"+filepath.Ext(file.name)[1:]+"_file_is_refused_and_another_can_be_chosen", func(t *testing.T) {
			w := w.visit(t)
			path := filepath.Join(t.TempDir(), file.name)
			if err := os.WriteFile(path, []byte(file.content), 0o644); err != nil {
				t.Fatal(err)
			}
			w.chooseFile(path)
			w.waitText("#notice p", "JPEG")
			w.waitText("#notice button.primary", "Choose a picture")
			w.choose(pagetest.Portrait)
			w.waitUntil(`document.querySelector("#notice").hidden`)
		})
	}
}

// heic is the beginning of a photo in the format of iPhones.
const heic = "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" +
	"\x00\x00\x00\x2dmeta\x00\x00\x00\x00" +
	"\x00\x00\x00\x21hdlr\x00\x00\x00\x00\x00\x00\x00\x00pict\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
