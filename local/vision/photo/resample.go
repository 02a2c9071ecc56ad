package photo

import (
	"image"
	"math"
)

// kernel says which pixels a new one is made of: those nearer than reach, in pixels of the smaller of the two pictures,
// and how much one of them counts.
type kernel struct {
	reach float64
	count func(distance float64) float64
}

var (
	bilinear = kernel{1, func(distance float64) float64 { return 1 - distance }}
	// average blurs less: it reaches no further than a new pixel does.
	average = kernel{0.5, func(float64) float64 { return 1 }}
)

// resample scales what is inside crop to fill inner. It keeps a row of sums; x/image/draw's scalers keep 32 bytes for each
// new column of each old row, 10 MB for a picture of 1280 × 720.
func resample(to *image.RGBA, inner image.Rectangle, from *image.RGBA, crop image.Rectangle, how kernel) {
	columns, rows := how.sources(crop.Dx(), inner.Dx()), how.sources(crop.Dy(), inner.Dy())
	sums := make([]float32, 4*crop.Dx())
	for y, row := range rows {
		clear(sums)
		for i, weight := range row.weights {
			line := from.Pix[from.PixOffset(crop.Min.X, crop.Min.Y+row.first+i):][:len(sums)]
			for at, v := range line {
				sums[at] += weight * float32(v)
			}
		}
		line := to.Pix[to.PixOffset(inner.Min.X, inner.Min.Y+y):]
		for x, column := range columns {
			red, green, blue := float32(0.5), float32(0.5), float32(0.5) // to round
			for i, weight := range column.weights {
				sum := sums[4*(column.first+i):][:3]
				red, green, blue = red+weight*sum[0], green+weight*sum[1], blue+weight*sum[2]
			}
			pixel := line[4*x:][:4]
			pixel[0], pixel[1], pixel[2], pixel[3] = byte(red), byte(green), byte(blue), 255
		}
	}
}

// source is what a new row or column is made of: old ones from the first on, whose weights add up to 1.
type source struct {
	first   int
	weights []float32
}

// sources are those of each of to rows or columns, from as many as from.
func (k kernel) sources(from, to int) []source {
	scale := float64(from) / float64(to)
	wide := max(scale, 1)
	all := make([]source, to)
	for i := range all {
		middle := (float64(i)+0.5)*scale - 0.5
		var total float64
		for old := max(0, int(middle-k.reach*wide)); old < min(from, int(math.Ceil(middle+k.reach*wide))); old++ {
			distance := math.Abs(middle-float64(old)) / wide
			if distance >= k.reach {
				continue
			}
			if len(all[i].weights) == 0 {
				all[i].first = old
			}
			all[i].weights = append(all[i].weights, float32(k.count(distance)))
			total += k.count(distance)
		}
		for w := range all[i].weights {
			all[i].weights[w] /= float32(total)
		}
	}
	return all
}
