// Package colours tells which colours a picture is made of: the pixels are gathered into groups that
// look alike (k-means in CIE L*a*b*, which is made so that distance is what the eye calls different).
// The same picture always gives the same colours. It does not know where in the picture a colour is.
package colours

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// Colour is one of the colours of a picture.
type Colour struct {
	Red, Green, Blue float64 // 0 to 255, the average of its pixels
	Fraction         float64 // of the picture's pixels
	Score            float64 // 0 to 1: how much it strikes the eye; all add up to 1
}

const (
	groups = 10
	rounds = 30
	// alike is a distance in L*a*b* that one does not see without looking for it; closer groups are one.
	alike = 5
	// vivid is the chroma at which a colour scores twice what a grey of the same area does. Google does not
	// publish how it scores; this is our choice.
	vivid = 60
)

// bin holds the pixels whose colours agree in the upper 5 bits, or a group of such bins.
type bin struct {
	pixels           float64
	red, green, blue float64 // sums
	lab              lab
}

// Dominant returns at most 10 colours, the highest score first.
func Dominant(picture *image.RGBA) []Colour {
	bins := histogram(picture)
	found := merged(cluster(bins))
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

func (b bin) score() float64 { return b.pixels * (1 + math.Hypot(b.lab.a, b.lab.b)/vivid) }

func histogram(picture *image.RGBA) []bin {
	counts := make([]bin, 1<<15)
	for pix := picture.Pix; len(pix) >= 4; pix = pix[4:] {
		b := &counts[int(pix[0])>>3<<10|int(pix[1])>>3<<5|int(pix[2])>>3]
		b.pixels++
		b.red, b.green, b.blue = b.red+float64(pix[0]), b.green+float64(pix[1]), b.blue+float64(pix[2])
	}
	counts = slices.DeleteFunc(counts, func(b bin) bool { return b.pixels == 0 })
	for i := range counts {
		counts[i].locate()
	}
	return counts
}

// locate sets where the average of the pixels is in L*a*b*.
func (b *bin) locate() { b.lab = toLab(b.red/b.pixels, b.green/b.pixels, b.blue/b.pixels) }

func (b *bin) add(c bin) {
	b.pixels += c.pixels
	b.red, b.green, b.blue = b.red+c.red, b.green+c.green, b.blue+c.blue
}

// cluster is k-means: each bin goes to the nearest group, each group moves to the middle of its bins, until
// nothing moves.
func cluster(bins []bin) []bin {
	found := seeds(bins)
	nearest := make([]int, len(bins))
	for range rounds {
		moved := false
		next := make([]bin, len(found))
		for i, b := range bins {
			best, least := 0, math.Inf(1)
			for g := range found {
				if d := b.lab.distance2(found[g].lab); d < least {
					best, least = g, d
				}
			}
			moved = moved || nearest[i] != best
			nearest[i] = best
			next[best].add(b)
		}
		found = slices.DeleteFunc(next, func(g bin) bool { return g.pixels == 0 })
		for g := range found {
			found[g].locate()
		}
		if !moved {
			break
		}
	}
	return found
}

// seeds starts with the commonest bin and goes on with the one that is both common and far from all chosen.
func seeds(bins []bin) []bin {
	var chosen []bin
	far := make([]float64, len(bins))
	for i := range far {
		far[i] = 1
	}
	for len(chosen) < min(groups, len(bins)) {
		best := 0
		for i, b := range bins {
			if b.pixels*far[i] > bins[best].pixels*far[best] {
				best = i
			}
		}
		if far[best] == 0 {
			break
		}
		for i, b := range bins {
			if d := b.lab.distance2(bins[best].lab); len(chosen) == 0 || d < far[i] {
				far[i] = d
			}
		}
		chosen = append(chosen, bins[best])
	}
	return chosen
}

// merged joins groups that look the same: a plain picture has fewer colours than groups.
func merged(found []bin) []bin {
	slices.SortStableFunc(found, func(a, b bin) int { return cmp.Compare(b.pixels, a.pixels) })
	var kept []bin
	for _, g := range found {
		same := slices.IndexFunc(kept, func(k bin) bool { return k.lab.distance2(g.lab) < alike*alike })
		if same < 0 {
			kept = append(kept, g)
			continue
		}
		kept[same].add(g)
		kept[same].locate()
	}
	return kept
}

// lab is a colour in CIE L*a*b*.
type lab struct{ l, a, b float64 }

func (p lab) distance2(q lab) float64 {
	l, a, b := p.l-q.l, p.a-q.a, p.b-q.b
	return l*l + a*a + b*b
}

// toLab converts from sRGB, 0 to 255, under D65 (IEC 61966-2-1, CIE 15).
func toLab(red, green, blue float64) lab {
	r, g, b := linear(red/255), linear(green/255), linear(blue/255)
	x := bend((0.4124*r + 0.3576*g + 0.1805*b) / 0.9505)
	y := bend(0.2126*r + 0.7152*g + 0.0722*b)
	z := bend((0.0193*r + 0.1192*g + 0.9505*b) / 1.089)
	return lab{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func bend(v float64) float64 {
	if v > 216.0/24389 {
		return math.Cbrt(v)
	}
	return (24389.0/27*v + 16) / 116
}
