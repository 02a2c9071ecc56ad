package photo

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
)

// shrink averages the picture down to at most longest pixels a side, on white. It looks at a band of rows at
// a time: a picture of 75 megapixels costs no second copy.
func shrink(from image.Image, longest int) *image.RGBA {
	bounds := from.Bounds()
	width, height := fit(bounds.Dx(), bounds.Dy(), longest)
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	tallest := (bounds.Dy() + height - 1) / height
	band := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), tallest))
	for y := range height {
		top, bottom := y*bounds.Dy()/height, (y+1)*bounds.Dy()/height
		rows := image.Rect(0, 0, bounds.Dx(), bottom-top)
		draw.Draw(band, rows, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(band, rows, from, bounds.Min.Add(image.Pt(0, top)), draw.Over)
		average(to.Pix[y*to.Stride:][:4*width], band, bottom-top)
	}
	return to
}

// average makes one row out of the first rows of the band.
func average(to []byte, band *image.RGBA, rows int) {
	width, from := len(to)/4, band.Rect.Dx()
	for x := range width {
		left, right := x*from/width, (x+1)*from/width
		var r, g, b uint64
		for y := range rows {
			line := band.Pix[y*band.Stride+4*left : y*band.Stride+4*right]
			for ; len(line) >= 4; line = line[4:] {
				r, g, b = r+uint64(line[0]), g+uint64(line[1]), b+uint64(line[2])
			}
		}
		n := uint64(rows * (right - left))
		to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = byte((r+n/2)/n), byte((g+n/2)/n), byte((b+n/2)/n), 255
	}
}

// fit is the size of the same shape whose longer side is at most longest, and no side less than 1.
func fit(width, height, longest int) (int, int) {
	if most := max(width, height); most > longest {
		return max(1, width*longest/most), max(1, height*longest/most)
	}
	return width, height
}

// Letterbox scales what is inside crop, which may reach over the edge, as far as it fits into size, and puts it
// on black: at the upper left, or in the middle. It also returns how many pixels of the result one pixel
// of the picture became.
func Letterbox(from *image.RGBA, crop image.Rectangle, size image.Point, centred bool) (*image.RGBA, float64) {
	crop = crop.Intersect(from.Rect)
	to := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(to, to.Rect, image.Black, image.Point{}, draw.Src)
	if crop.Empty() {
		return to, 1
	}
	scale := min(float64(size.X)/float64(crop.Dx()), float64(size.Y)/float64(crop.Dy()))
	inner := image.Rect(0, 0,
		max(1, int(math.Round(float64(crop.Dx())*scale))), max(1, int(math.Round(float64(crop.Dy())*scale))))
	if centred {
		inner = inner.Add(size.Sub(inner.Max).Div(2))
	}
	xdraw.BiLinear.Scale(to, inner, from, crop, draw.Src, nil)
	return to, scale
}
