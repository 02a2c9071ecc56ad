package result

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
	colorpb "google.golang.org/genproto/googleapis/type/color"

	"triptych/e2e/pagetest"
)

var (
	violet = color.RGBA{110, 60, 160, 255}
	leaf   = color.RGBA{60, 150, 70, 255}
)

// testCard replaces Vision's answer, so that the places of boxes and colours are known.
func testCard(t *testing.T, h pagetest.Env) {
	answer := &visionpb.AnnotateImageResponse{
		FaceAnnotations: []*visionpb.FaceAnnotation{{BoundingPoly: pixels(200, 150, 600, 450), JoyLikelihood: visionpb.Likelihood_VERY_LIKELY}},
		ImagePropertiesAnnotation: &visionpb.ImageProperties{DominantColors: &visionpb.DominantColorsAnnotation{Colors: []*visionpb.ColorInfo{
			{Color: &colorpb.Color{Red: 110, Green: 60, Blue: 160}, PixelFraction: .7}, {Color: &colorpb.Color{Red: 60, Green: 150, Blue: 70}, PixelFraction: .2}}}},
	}
	t.Run("saved_card_shows_picture_box_and_colours", func(t *testing.T) {
		p := visitAnnotatedWith(t, h, answer, violetPicture(t))
		expectCard(t, download(p, "#save-card"))
	})
	t.Run("card_of_an_opened_link_is_made_from_the_picture_in_S3", func(t *testing.T) {
		p := visitAnnotatedWith(t, h, answer, violetPicture(t))
		p.Do(chromedp.Reload())
		p.WaitVisible("#overlay polygon")
		expectCard(t, download(p, "#save-card"))
	})
	t.Run("card_with_many_faces_is_at_most_3000_pixels_high", func(t *testing.T) {
		many := &visionpb.AnnotateImageResponse{LabelAnnotations: []*visionpb.EntityAnnotation{{Description: "Crowd", Score: .8}}, ImagePropertiesAnnotation: answer.ImagePropertiesAnnotation}
		for range 30 {
			many.FaceAnnotations = append(many.FaceAnnotations, answer.FaceAnnotations[0])
		}
		p := visitAnnotatedWith(t, h, many, plainPicture(t, 300, 1600, violet))
		if height := download(p, "#save-card").Bounds().Dy(); height < 1600 || height > 3000 {
			t.Errorf("the card is %d pixels high", height)
		}
	})
	const label = "Musical instrument case on a table"
	for name, size := range map[string][2]int{"small": {400, 300}, "large": {1600, 1200}} {
		t.Run("label_of_a_box_at_the_right_edge_of_a_"+name+"_picture_can_be_read", func(t *testing.T) {
			p := visitAnnotatedWith(t, h, &visionpb.AnnotateImageResponse{LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{
				{Name: label, Score: .9, BoundingPoly: square(.8, .95)}}}, plainPicture(t, size[0], size[1], violet))
			p.Click(`#toggles [name="objects"]`)
			card := download(p, "#save-card")
			outline := extentOf(card, image.Rect(0, 120, 1080, 840), color.RGBA{A: 255})
			width := pagetest.Evaluate[float64](p, `(() => {
				const context = document.createElement("canvas").getContext("2d");
				context.font = "700 30px system-ui, sans-serif";
				return context.measureText("`+label+`").width;
			})()`)
			if outline.Max.X > 60+960+5 || float64(outline.Dx()) < width-2 {
				t.Errorf("the label is from %d to %d; the picture ends at 1020, and the text has a width of %.0f", outline.Min.X, outline.Max.X, width)
			}
		})
	}
	for name, c := range map[string]struct {
		status  int64
		message string
	}{
		"card_of_a_deleted_picture_is_explained":         {403, "The picture has been deleted, so there is no card."},
		"card_without_connection_asks_to_try_again":      {0, "The picture could not be loaded. Check your connection, then try again."},
		"card_while_S3_is_unavailable_asks_to_try_again": {503, "The picture could not be loaded. Check your connection, then try again."},
	} {
		t.Run(name, func(t *testing.T) {
			p := visitAnnotatedWith(t, h, answer, violetPicture(t))
			p.Do(chromedp.Reload())
			p.WaitVisible("#overlay polygon")
			p.Intercept("*/image*", fetch.RequestStageRequest, func(_ *fetch.EventRequestPaused, request pagetest.PausedRequest) {
				if c.status == 0 {
					request.Reset()
				} else {
					request.RespondStatus(c.status)
				}
			})
			p.Click("#save-card")
			p.WaitText("#notice p", c.message)
		})
	}
	t.Run("share_passes_the_card_without_the_link_to_the_system", func(t *testing.T) {
		p := visitAnnotatedWith(t, h, answer, violetPicture(t))
		if pagetest.Evaluate[bool](p, `document.querySelector("#share-card").checkVisibility()`) != pagetest.Evaluate[bool](p, `Boolean(navigator.canShare)`) {
			t.Error("the button is shown without Web Share")
		}
		// Chromium on Linux has no Web Share.
		pagetest.Evaluate[bool](p, `navigator.canShare = ({files}) => files[0].type === "image/jpeg",
			navigator.share = async (data) => { window.shared = data; throw new DOMException("", window.refusal); },
			window.refusal = "NotAllowedError", import("./state.js").then(({set}) => set({}) ?? true)`)
		p.Click("#share-card")
		p.WaitText("#notice p", "Press “Share” again")
		pagetest.Evaluate[bool](p, `window.refusal = "AbortError", window.shared = null, true`)
		p.Click("#share-card")
		p.WaitUntil(`window.shared`)
		if shared := pagetest.Evaluate[string](p, `Object.keys(shared) + " " + shared.files.map(({name, type, size}) => name + " " + type + " " + (size > 10_000))`); shared != "files triptych.jpg image/jpeg true" {
			t.Errorf("shared: %s", shared)
		}
		p.WaitUntil(`document.querySelector("#notice").hidden`)
	})
	t.Run("copy_writes_the_link_and_says_so", func(t *testing.T) {
		p := visitAnnotatedWith(t, h, answer, violetPicture(t))
		grant(p, "clipboard-read", "clipboard-write")
		p.Click("#copy-link")
		p.WaitText(`#notice[role="alert"] p`, "Link copied. Anyone who has it can see the picture")
		if copied, link := pagetest.Evaluate[string](p, `navigator.clipboard.readText()`), pagetest.Evaluate[string](p, `location.href`); copied != link {
			t.Errorf("copied %q, want %q", copied, link)
		}
		pagetest.Evaluate[bool](p, `Object.defineProperty(navigator, "clipboard", {value: undefined}), true`) // as over http
		p.Click("#copy-link")
		p.WaitText("#notice p", "Copy the page’s address instead")
	})
}

func visitAnnotatedWith(t *testing.T, h pagetest.Env, annotation *visionpb.AnnotateImageResponse, path string) pagetest.Tab {
	t.Helper()
	setAnswer(t, h, annotation)
	p := h.Visit(t)
	p.Choose(path)
	p.Click("#send")
	p.WaitVisible(pagetest.AllDone, "#result")
	return p
}

func expectCard(t *testing.T, card image.Image) {
	t.Helper()
	if width, height := card.Bounds().Dx(), card.Bounds().Dy(); width != 1080 || height < 1000 || height > 3000 {
		t.Errorf("the card is %d × %d pixels", width, height)
	}
	white := color.RGBA{255, 255, 255, 255}
	const middle = 120 + 720/2
	for x, want := range map[int]color.Color{60 + 100: violet, 60 + 240: white, 60 + 480: violet, 60 + 720: white, 20: white, 1060: white} {
		if got := card.At(x, middle); !similar(got, want) {
			t.Errorf("the card has colour %v at %d, want %v", got, x, want)
		}
	}
	if n := count(card, leaf); n < 480*100 {
		t.Errorf("%d pixels have the second colour of the palette", n)
	}
}

func count(card image.Image, wanted color.Color) (n int) {
	for y := range card.Bounds().Dy() {
		for x := range card.Bounds().Dx() {
			if similar(card.At(x, y), wanted) {
				n++
			}
		}
	}
	return n
}

func extentOf(card image.Image, area image.Rectangle, wanted color.Color) (extent image.Rectangle) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if similar(card.At(x, y), wanted) {
				extent = extent.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return extent
}

func similar(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	return max(r1, r2)-min(r1, r2) < 0xa00 && max(g1, g2)-min(g1, g2) < 0xa00 && max(b1, b2)-min(b1, b2) < 0xa00
}

func download(p pagetest.Tab, selector string) image.Image {
	p.Helper()
	dir, done := p.TempDir(), make(chan struct{}, 1)
	if err := chromedp.Listen(p.Ctx, func(event any) {
		if progress, ok := event.(*browser.EventDownloadProgress); ok && progress.State == "completed" {
			done <- struct{}{}
		}
	}); err != nil {
		p.Fatal(err)
	}
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		yes := true
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: "allow", DownloadPath: dir, EventsEnabled: &yes, BrowserContextID: chromedp.FromContext(p.Ctx).BrowserContextID})
		return chromedp.Void{}, err
	})
	p.Click(selector)
	pagetest.Receive(p, done)
	content, err := os.ReadFile(filepath.Join(dir, "triptych.jpg"))
	if err != nil {
		p.Fatal(err)
	}
	card, err := jpeg.Decode(bytes.NewReader(content))
	if err != nil {
		p.Fatal(err)
	}
	return card
}

func grant(p pagetest.Tab, permissions ...string) {
	p.Helper()
	id := chromedp.FromContext(p.Ctx).BrowserContextID
	for _, name := range permissions {
		p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: "granted", BrowserContextID: id})
			return chromedp.Void{}, err
		})
	}
}

func violetPicture(t *testing.T) string { return plainPicture(t, 800, 600, violet) }

func plainPicture(t *testing.T, width, height int, c color.Color) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return savePNG(t, img)
}

func savePNG(t *testing.T, img image.Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "picture.png")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
