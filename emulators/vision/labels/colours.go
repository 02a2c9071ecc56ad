package labels

import (
	"math"

	"triptych/emulators/vision/colours"
)

const (
	darkness   = "Darkness"
	monochrome = "Black and white"
	amber      = "Amber" // not Orange, which is the label of the fruit
	brown      = "Brown" // dark amber
)

var colourNames = []string{darkness, monochrome, "Red", amber, brown, "Yellow", "Green", "Turquoise", "Blue", "Purple", "Pink"}

var hues = []struct {
	from float64 // degrees
	name string
}{{345, "Red"}, {310, "Pink"}, {255, "Purple"}, {195, "Blue"}, {165, "Turquoise"}, {70, "Green"}, {45, "Yellow"}, {18, amber}, {0, "Red"}}

const (
	minSaturation = 0.25 // less saturated colours have no hue label
	maxMonochrome = 0.06
	maxDark       = 50  // strongest primary of a dark colour, of 255
	maxBrown      = 180 // strongest primary of brown, of 255
)

func fractionsByLabel(dominant []colours.Colour) map[string]float64 {
	found := map[string]float64{}
	coloured := false
	for _, c := range dominant {
		brightest := max(c.Red, c.Green, c.Blue)
		saturation := (brightest - min(c.Red, c.Green, c.Blue)) / max(brightest, 1)
		coloured = coloured || saturation > maxMonochrome
		switch {
		case brightest <= maxDark:
			found[darkness] += c.Fraction
		case saturation >= minSaturation:
			found[hue(c)] += c.Fraction
		}
	}
	if len(dominant) > 1 && !coloured { // a plain grey picture gets no label
		found[monochrome] = 1
	}
	return found
}

func hue(c colours.Colour) string {
	// The hue is the angle around the grey axis of the RGB cube.
	angle := math.Atan2(math.Sqrt(3)*(c.Green-c.Blue), 2*c.Red-c.Green-c.Blue) * 180 / math.Pi
	if angle < 0 {
		angle += 360
	}
	for _, h := range hues {
		switch {
		case angle < h.from:
			continue
		case h.name == amber && max(c.Red, c.Green, c.Blue) < maxBrown:
			return brown
		default:
			return h.name
		}
	}
	return hues[len(hues)-1].name
}
