package journey

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"triptych/e2e/pagetest"
)

func testPhotoPaths(t *testing.T, w window) {
	for name, path := range map[string]string{
		"portrait":        pagetest.Portrait,
		"sideways_photo":  pagetest.Sideways(t),
		"transparent_PNG": transparent(t),
		"line_drawing":    pagetest.LineDrawing(t),
	} {
		t.Run("worker_and_page_make_the_same_picture_of_a_"+name, func(t *testing.T) {
			w := w.visit(t)
			picture := func() string {
				// WebKitGTK sometimes draws nothing at first, although the image is complete.
				w.waitUntil(`(() => {
					const image = document.querySelector("#image"), {naturalWidth: width, naturalHeight: height} = image;
					if (!image.complete) return false;
					const context = Object.assign(document.createElement("canvas"), {width, height}).getContext("2d");
					context.drawImage(image, 0, 0);
					window.pixels = context.getImageData(0, 0, width, height).data;
					return pixels.some(Boolean);
				})()`)
				return evaluate[string](w, `(() => {
					window.drawn = [...window.drawn ?? [], pixels];
					const {naturalWidth, naturalHeight} = document.querySelector("#image");
					return naturalWidth + " × " + naturalHeight;
				})()`)
			}
			evaluate[bool](w, pagetest.RecordWorkers)
			w.choose(path)
			byWorker := picture()
			answers := evaluate[[]bool](w, `answers`)
			evaluate[bool](w, `window.before = document.querySelector("#image").src, window.Worker = undefined, true`)
			w.chooseFile(path)
			w.waitUntil(`document.querySelector("#image").src !== before`)
			byPage := picture()
			difference := evaluate[float64](w, `drawn[0].reduce((sum, value, i) => sum + Math.abs(value - drawn[1][i]), 0) / drawn[0].length`)
			if !slices.Equal(answers, []bool{true}) || byWorker != byPage || difference > 2 {
				t.Errorf("the workers read %v; %s and %s pixels differ by %.1f of 255", answers, byWorker, byPage, difference)
			}
		})
	}
}

func transparent(t *testing.T) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 600, 400))
	for x := range 300 {
		for y := range 400 {
			picture.SetNRGBA(x, y, color.NRGBA{200, 0, 0, uint8(y / 2)})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "transparent.png")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
