// Package ssd has what the networks of the kind Single Shot MultiBox Detector (SSD) share: boxes that are predicted
// relative to anchors, of which only the best ones are kept.
package ssd

import (
	"cmp"
	"math"
	"slices"
)

// BoxParameters is the number of values of an anchor, and of a predicted box.
const BoxParameters = 4

// Box is a rectangle. The unit is the caller's.
type Box struct{ Left, Top, Right, Bottom float64 }

// Decode returns the box that the parameters, in the order y, x, height and width, predict for an anchor, which is top,
// left, bottom and right.
func Decode(anchor []float32, parameter func(int) float64) Box {
	top, left, bottom, right := float64(anchor[0]), float64(anchor[1]), float64(anchor[2]), float64(anchor[3])
	// The variances 0.1 and 0.2 of the TensorFlow Object Detection API.
	y, x := (top+bottom)/2+parameter(0)/10*(bottom-top), (left+right)/2+parameter(1)/10*(right-left)
	height, width := (bottom-top)*math.Exp(parameter(2)/5), (right-left)*math.Exp(parameter(3)/5)
	return Box{x - width/2, y - height/2, x + width/2, y + height/2}
}

// Distinct is non-maximum suppression: it returns the items, highest score first, that duplicate no better one.
func Distinct[T any](items []T, score func(T) float64, duplicate func(better, item T) bool) []T {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(score(b), score(a)) })
	var kept []T
	for _, item := range items {
		if !slices.ContainsFunc(kept, func(better T) bool { return duplicate(better, item) }) {
			kept = append(kept, item)
		}
	}
	return kept
}

// Overlap is intersection over union.
func (b Box) Overlap(c Box) float64 {
	width, height := min(b.Right, c.Right)-max(b.Left, c.Left), min(b.Bottom, c.Bottom)-max(b.Top, c.Top)
	intersection := max(width, 0) * max(height, 0)
	return intersection / (b.Area() + c.Area() - intersection)
}

func (b Box) Area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }
