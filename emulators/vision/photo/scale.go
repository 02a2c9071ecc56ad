package photo

import (
	"image"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
)

// shrink works one row at a time, because the scalers of x/image/draw would need 350 MB for 75 megapixels.
func shrink(from image.Image, canvas image.Rectangle, by int) *image.RGBA {
	to := image.NewRGBA(image.Rect(0, 0, (canvas.Dx()+by-1)/by, (canvas.Dy()+by-1)/by))
	if by == 1 {
		draw.Draw(to, to.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(to, to.Rect, from, canvas.Min, draw.Over)
		return to
	}
	band := image.NewRGBA(image.Rect(0, 0, canvas.Dx(), min(by, canvas.Dy())))
	for y := range to.Rect.Dy() {
		rows := min(by, canvas.Dy()-y*by)
		draw.Draw(band, band.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(band, image.Rect(0, 0, canvas.Dx(), rows), from, canvas.Min.Add(image.Pt(0, y*by)), draw.Over)
		averageRow(to.Pix[y*to.Stride:][:to.Stride], band, rows, by)
	}
	return to
}

func averageRow(to []byte, band *image.RGBA, rows, by int) {
	for x := range len(to) / 4 {
		left, right := x*by, min((x+1)*by, band.Rect.Dx())
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

// Letterbox fits the area `crop` into `size` and fills the rest with black. The second result is the scaling factor.
func Letterbox(from *image.RGBA, crop image.Rectangle, size image.Point, centred bool) (*image.RGBA, float64) {
	crop = crop.Intersect(from.Rect)
	to := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(to, to.Rect, image.Black, image.Point{}, draw.Src)
	if crop.Empty() {
		return to, 1
	}
	scale := min(float64(size.X)/float64(crop.Dx()), float64(size.Y)/float64(crop.Dy()))
	scaled := func(side int) int { return max(1, int(math.Round(float64(side)*scale))) }
	inner := image.Rect(0, 0, scaled(crop.Dx()), scaled(crop.Dy()))
	if centred {
		inner = inner.Add(size.Sub(inner.Max).Div(2))
	}
	xdraw.BiLinear.Scale(to, inner, from, crop, draw.Src, nil)
	return to, scale
}

// average is a box filter, because the kernels of x/image/draw are wider and blur the picture.
var average = &xdraw.Kernel{Support: 0.5, At: func(float64) float64 { return 1 }}

// Stretch does not keep the aspect ratio.
func Stretch(from *image.RGBA, size image.Point) *image.RGBA {
	to := image.NewRGBA(image.Rectangle{Max: size})
	var scaler xdraw.Interpolator = average
	if from.Rect.Dx() < size.X || from.Rect.Dy() < size.Y {
		scaler = xdraw.BiLinear
	}
	scaler.Scale(to, to.Rect, from, from.Rect, draw.Src, nil)
	return to
}
