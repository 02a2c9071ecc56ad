package ssd

import (
	"math"
	"slices"
	"testing"
)

func TestDecode(t *testing.T) {
	anchor := []float32{1, 2, 3, 6} // top, left, bottom and right
	for name, tt := range map[string]struct {
		parameters [BoxParameters]float64
		want       Box
	}{
		"zeros_are_the_anchor":                       {[...]float64{0, 0, 0, 0}, Box{2, 1, 6, 3}},
		"positions_are_tenths_of_the_anchors_size":   {[...]float64{10, 5, 0, 0}, Box{4, 3, 8, 5}},
		"sizes_are_logarithms_in_fifths":             {[...]float64{0, 0, 5 * math.Log(2), 5 * math.Log(0.5)}, Box{3, 0, 5, 4}},
		"position_and_size_do_not_affect_each_other": {[...]float64{10, 0, 0, 5 * math.Log(0.5)}, Box{3, 3, 5, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Decode(anchor, func(i int) float64 { return tt.parameters[i] })
			for i, d := range []float64{got.Left - tt.want.Left, got.Top - tt.want.Top, got.Right - tt.want.Right, got.Bottom - tt.want.Bottom} {
				if math.Abs(d) > 1e-9 {
					t.Errorf("side %d: got %v, want %v", i, got, tt.want)
				}
			}
		})
	}
}

func TestDistinctKeepsTheBestOfSimilarItems(t *testing.T) {
	got := Distinct([]float64{1, 5, 4.5, 3, 3.4}, func(x float64) float64 { return x }, func(a, b float64) bool { return a-b < 1 })
	if !slices.Equal(got, []float64{5, 3.4, 1}) {
		t.Errorf("got %v", got)
	}
}

func TestOverlap(t *testing.T) {
	b := Box{0, 0, 2, 4}
	for name, tt := range map[string]struct{ got, want float64 }{
		"with_itself_is_1":      {b.Overlap(b), 1},
		"of_halves_is_a_third":  {b.Overlap(Box{0, 2, 2, 6}), 1.0 / 3},
		"of_distant_boxes_is_0": {b.Overlap(Box{3, 3, 5, 5}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %v, want %v", tt.got, tt.want)
			}
		})
	}
}
