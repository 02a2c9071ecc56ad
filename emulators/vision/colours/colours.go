// Package colours finds the dominant colours of a picture by k-means clustering in CIE L*a*b*, where distance
// approximates visible difference. The results are deterministic.
package colours

import (
	"cmp"
	"image"
	"math"
	"slices"
)

type Colour struct {
	Red, Green, Blue float64 // 0 to 255, the average of its pixels
	Fraction         float64 // of the picture's pixels
	Score            float64 // prominence; the scores of a picture add up to 1
}

const (
	maxClusters   = 10
	maxIterations = 30
	mergeDistance = 5 // in L*a*b*; closer clusters are merged, because their difference is hard to see
	// At this chroma, a colour scores twice as high as grey of the same area. Google's formula is not published.
	vividChroma = 60
)

// bin is a set of similar pixels: one cell of the histogram, or a cluster of cells.
type bin struct {
	pixels           float64
	red, green, blue float64 // sums
	lab              lab
}

// Dominant returns at most 10 colours, highest score first.
func Dominant(picture *image.RGBA) []Colour {
	bins := histogram(picture)
	found := merged(kMeans(bins))
	var total, score float64
	for _, g := range found {
		total, score = total+g.pixels, score+g.score()
	}
	var all []Colour
	for _, g := range found {
		all = append(all, Colour{
			Red: g.red / g.pixels, Green: g.green / g.pixels, Blue: g.blue / g.pixels,
			Fraction: g.pixels / total, Score: g.score() / score,
		})
	}
	slices.SortStableFunc(all, func(a, b Colour) int { return cmp.Compare(b.Score, a.Score) })
	return all
}

func (b bin) score() float64 { return b.pixels * (1 + math.Hypot(b.lab.a, b.lab.b)/vividChroma) }

func histogram(picture *image.RGBA) []bin {
	counts := make([]bin, 1<<15)
	for pix := picture.Pix; len(pix) >= 4; pix = pix[4:] {
		b := &counts[int(pix[0])>>3<<10|int(pix[1])>>3<<5|int(pix[2])>>3]
		b.pixels++
		b.red, b.green, b.blue = b.red+float64(pix[0]), b.green+float64(pix[1]), b.blue+float64(pix[2])
	}
	counts = slices.DeleteFunc(counts, func(b bin) bool { return b.pixels == 0 })
	for i := range counts {
		counts[i].updateLab()
	}
	return counts
}

func (b *bin) updateLab() { b.lab = toLab(b.red/b.pixels, b.green/b.pixels, b.blue/b.pixels) }

func (b *bin) add(c bin) {
	b.pixels += c.pixels
	b.red, b.green, b.blue = b.red+c.red, b.green+c.green, b.blue+c.blue
}

func kMeans(bins []bin) []bin {
	found := seeds(bins)
	nearest := make([]int, len(bins))
	for range maxIterations {
		changed := false
		next := make([]bin, len(found))
		for i, b := range bins {
			best, smallest := 0, math.Inf(1)
			for g := range found {
				if d := b.lab.distance2(found[g].lab); d < smallest {
					best, smallest = g, d
				}
			}
			changed = changed || nearest[i] != best
			nearest[i] = best
			next[best].add(b)
		}
		found = slices.DeleteFunc(next, func(g bin) bool { return g.pixels == 0 })
		for g := range found {
			found[g].updateLab()
		}
		if !changed {
			break
		}
	}
	return found
}

// seeds works like k-means++ but without randomness.
func seeds(bins []bin) []bin {
	var chosen []bin
	distances := make([]float64, len(bins))
	for i := range distances {
		distances[i] = 1
	}
	for len(chosen) < min(maxClusters, len(bins)) {
		best := 0
		for i, b := range bins {
			if b.pixels*distances[i] > bins[best].pixels*distances[best] {
				best = i
			}
		}
		if distances[best] == 0 {
			break
		}
		for i, b := range bins {
			if d := b.lab.distance2(bins[best].lab); len(chosen) == 0 || d < distances[i] {
				distances[i] = d
			}
		}
		chosen = append(chosen, bins[best])
	}
	return chosen
}

// merged joins clusters that look the same. k-means often finds such clusters in a picture with few colours.
func merged(found []bin) []bin {
	slices.SortStableFunc(found, func(a, b bin) int { return cmp.Compare(b.pixels, a.pixels) })
	var kept []bin
	for _, g := range found {
		same := slices.IndexFunc(kept, func(k bin) bool { return k.lab.distance2(g.lab) < mergeDistance*mergeDistance })
		if same < 0 {
			kept = append(kept, g)
			continue
		}
		kept[same].add(g)
		kept[same].updateLab()
	}
	return kept
}

// lab is a colour in CIE L*a*b*.
type lab struct{ l, a, b float64 }

func (p lab) distance2(q lab) float64 {
	l, a, b := p.l-q.l, p.a-q.a, p.b-q.b
	return l*l + a*a + b*b
}

// toLab converts sRGB, with values from 0 to 255, to CIE L*a*b* with the white point D65 (IEC 61966-2-1, CIE 15).
func toLab(red, green, blue float64) lab {
	r, g, b := linear(red/255), linear(green/255), linear(blue/255)
	x := companded((0.4124*r + 0.3576*g + 0.1805*b) / 0.9505)
	y := companded(0.2126*r + 0.7152*g + 0.0722*b)
	z := companded((0.0193*r + 0.1192*g + 0.9505*b) / 1.089)
	return lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func companded(v float64) float64 {
	if v > 216.0/24389 {
		return math.Cbrt(v)
	}
	return (24389.0/27*v + 16) / 116
}
