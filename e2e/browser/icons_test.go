package browser

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

var writeIcons = flag.Bool("icons", false, "write the PNG icons of the page instead of comparing them with icon.svg")

// iOS and Android cut icons to their own shapes, so the PNGs have a background, and the drawing is inside the safe zone.
const iconPage = `<style>body { margin: 0; height: 100vh; display: grid; place-items: center; background: #121315 } img { width: 62%% }</style><img src="data:image/svg+xml;base64,%s">`

// To write the icons again: go test ./e2e/browser -run TestPage/without_faults/PNG_icon -icons
func testIcons(t *testing.T, h pagetest.Env) {
	drawing, err := os.ReadFile("../../web/site/icon.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{180, 192, 512} {
		pagetest.Parallel(t, fmt.Sprintf("PNG_icon_shows_icon.svg_in_%d_pixels", size), func(t *testing.T) {
			p := pagetest.OpenTab(t, h.Chromium, "")
			page := fmt.Sprintf(iconPage, base64.StdEncoding.EncodeToString(drawing))
			p.Do(chromedp.EmulateViewport(size, size), chromedp.Navigate("data:text/html;base64,"+base64.StdEncoding.EncodeToString([]byte(page))))
			p.WaitUntil(`document.images[0].complete`)
			shot, err := chromedp.Run(p.Ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			path := fmt.Sprintf("../../web/site/icon-%d.png", size)
			if *writeIcons {
				if err := os.WriteFile(path, shot, 0o644); err != nil {
					t.Fatal(err)
				}
				reduceTo256Colours(t, path)
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if share := shareOfChangedPixels(t, shot, file); share > 0.01 || len(file) > 5_000 {
				t.Errorf("%s has %d bytes, and %.1f %% of its pixels are different", path, len(file), 100*share)
			}
		})
	}
}

// shareOfChangedPixels ignores small differences: versions of Chromium draw edges differently.
func shareOfChangedPixels(t *testing.T, a, b []byte) float64 {
	t.Helper()
	pictureA, errA := png.Decode(bytes.NewReader(a))
	pictureB, errB := png.Decode(bytes.NewReader(b))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if pictureA.Bounds() != pictureB.Bounds() {
		return 1
	}
	changed, bounds := 0, pictureA.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			if distance(pictureA, pictureB, x, y) > 40 {
				changed++
			}
		}
	}
	return float64(changed) / float64(bounds.Dx()*bounds.Dy())
}

func distance(a, b image.Image, x, y int) int {
	difference := func(a, b uint32) int { return max(int(a)-int(b), int(b)-int(a)) >> 8 }
	redA, greenA, blueA, _ := a.At(x, y).RGBA()
	redB, greenB, blueB, _ := b.At(x, y).RGBA()
	return max(difference(redA, redB), difference(greenA, greenB), difference(blueA, blueB))
}
