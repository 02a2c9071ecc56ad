package browser

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

// Save the README's screenshots with:
//
//	go test ./e2e/browser -run TestPage/without_faults/screenshots_for_README -screenshots .
func testScreenshots(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "screenshots_for_README", func(t *testing.T) {
		p := h.Visit(t)
		p.Emulate("prefers-color-scheme", "light")
		p.Send()
		for name, size := range map[string][2]int64{"screenshot": {1080, 700}, "screenshot-phone": {360, 720}} {
			p.Do(chromedp.EmulateViewport(size[0], size[1]))
			p.WaitVisible("#overlay polygon")
			p.WaitUntil(`document.getAnimations().length === 0`)
			p.Screenshot(name)
			if path := filepath.Join(*pagetest.Screenshots, name+".png"); *pagetest.Screenshots != "" {
				reduceTo256Colours(t, path)
			}
		}
	})
}

func reduceTo256Colours(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	shot, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	exact, similar := map[color.RGBA]int{}, map[color.RGBA]int{}
	for y := range shot.Bounds().Dy() {
		for x := range shot.Bounds().Dx() {
			c := color.RGBAModel.Convert(shot.At(x, y)).(color.RGBA)
			exact[c]++
			similar[color.RGBA{c.R&0xe0 | 0x10, c.G&0xe0 | 0x10, c.B&0xe0 | 0x10, 255}]++
		}
	}
	palette := append(frequent(exact, 64), frequent(similar, 192)...)
	small := image.NewPaletted(shot.Bounds(), palette)
	draw.FloydSteinberg.Draw(small, small.Rect, shot, image.Point{})
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func frequent(counts map[color.RGBA]int, most int) color.Palette {
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	var palette color.Palette
	for _, c := range colours[:min(most, len(colours))] {
		palette = append(palette, c)
	}
	return palette
}
