package pagetest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"

	"github.com/chromedp/chromedp"
)

// minContrast is the WCAG 2 AA minimum for text of normal size.
const minContrast = 4.5

type textRun struct {
	Text       string
	X, Y, W, H float64
	Colour     [4]float64 // red, green, blue, opacity
}

const visibleText = `(() => {
	const found = [], root = document.querySelector("dialog[open]") ?? document.body;
	const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const holder = node.parentElement;
		if (!node.data.trim() || !holder.checkVisibility({visibilityProperty: true}) || holder.closest(".sr-only, noscript, option")) continue;
		const [red, green, blue, alpha = 1] = getComputedStyle(holder).color.match(/[\d.]+/g).map(Number);
		let seen = alpha;
		for (let above = holder; above; above = above.parentElement) seen *= getComputedStyle(above).opacity;
		if (!seen) continue;
		const range = document.createRange();
		range.selectNodeContents(node);
		for (const {x, y, width, height} of range.getClientRects()) {
			if (document.elementFromPoint(x + width / 2, y + height / 2)?.closest("#notice") !== holder.closest("#notice")) continue;
			found.push({Text: node.data.trim().slice(0, 30), X: x, Y: y, W: width, H: height, Colour: [red, green, blue, seen]});
		}
	}
	return found;
})()`

// CheckContrast takes the background colours from a screenshot, because text may be in front of a picture.
func (p Tab) CheckContrast(view string) {
	p.Helper()
	p.WaitUntil(`document.getAnimations().length === 0`)
	written := Evaluate[[]textRun](p, visibleText)
	if len(written) < 4 {
		p.Errorf("%s: only %d pieces of text", view, len(written))
	}
	p.Screenshot(view)
	Evaluate[bool](p, `(() => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync("* { color: transparent !important; text-decoration: none !important; text-shadow: none !important; transition: none !important; }");
		document.adoptedStyleSheets = [sheet];
		return true;
	})()`)
	shot, err := chromedp.Run(p.Ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	behind, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		p.Fatal(err)
	}
	Evaluate[bool](p, `(document.adoptedStyleSheets = [], true)`)
	for _, i := range written {
		if contrast := i.contrast(behind); contrast < minContrast {
			p.Errorf("%s: %q has a contrast of %.2f", view, i.Text, contrast)
		}
	}
}

func (i textRun) contrast(behind image.Image) float64 {
	least := 21.0
	area := image.Rect(int(i.X), int(i.Y), int(i.X+i.W), int(i.Y+i.H)).Intersect(behind.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			ground := color.NRGBAModel.Convert(behind.At(x, y)).(color.NRGBA)
			var front, back [3]float64
			for c, value := range [3]uint8{ground.R, ground.G, ground.B} {
				back[c] = float64(value)
				front[c] = i.Colour[c]*i.Colour[3] + back[c]*(1-i.Colour[3])
			}
			lighter, darker := luminance(front), luminance(back)
			least = min(least, (max(lighter, darker)+.05)/(min(lighter, darker)+.05))
		}
	}
	return least
}

// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
func luminance(colour [3]float64) float64 {
	sum := 0.0
	for c, weight := range [3]float64{.2126, .7152, .0722} {
		value := colour[c] / 255
		if value <= .04045 {
			value /= 12.92
		} else {
			value = math.Pow((value+.055)/1.055, 2.4)
		}
		sum += value * weight
	}
	return sum
}
