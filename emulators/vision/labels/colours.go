package labels

import (
	"math"

	"triptych/emulators/vision/colours"
)

const (
	darkness   = "Darkness"
	monochrome = "Black and white"
	amber      = "Amber" // not Orange, which is a fruit
	brown      = "Brown" // amber with little light
)

var colourNames = []string{darkness, monochrome, "Red", amber, brown, "Yellow", "Green", "Turquoise", "Blue", "Purple", "Pink"}

// hues are where each begins on the circle of hues, in degrees.
var hues = []struct {
	from float64
	name string
}{{345, "Red"}, {310, "Pink"}, {255, "Purple"}, {195, "Blue"}, {165, "Turquoise"}, {70, "Green"}, {45, "Yellow"}, {18, amber}, {0, "Red"}}

const (
	// grey is the share of the strongest primary by which a grey's primaries may differ.
	grey = 0.25
	// colourless is the same of a picture without colour; even a white wall differs more.
	colourless = 0.06
	// dark is how bright the strongest primary of the dark is at most, of 255.
	dark = 50
	// brownish is the same of brown.
	brownish = 180
)

// shares is how much of the picture has each colour. A picture is black and white altogether or not at all.
func shares(dominant []colours.Colour) map[string]float64 {
	found := map[string]float64{}
	coloured := false
	for _, c := range dominant {
		brightest := max(c.Red, c.Green, c.Blue)
		difference := (brightest - min(c.Red, c.Green, c.Blue)) / max(brightest, 1)
		coloured = coloured || difference > colourless
		switch {
		case brightest <= dark:
			found[darkness] += c.Fraction
		case difference >= grey:
			found[hue(c)] += c.Fraction
		}
	}
	if len(dominant) > 1 && !coloured { // one grey alone is no picture
		found[monochrome] = 1
	}
	return found
}

func hue(c colours.Colour) string {
	// The angle of the colour seen along the grey axis of the cube of colours.
	angle := math.Atan2(math.Sqrt(3)*(c.Green-c.Blue), 2*c.Red-c.Green-c.Blue) * 180 / math.Pi
	if angle < 0 {
		angle += 360
	}
	for _, h := range hues {
		switch {
		case angle < h.from:
			continue
		case h.name == amber && max(c.Red, c.Green, c.Blue) < brownish:
			return brown
		default:
			return h.name
		}
	}
	return hues[len(hues)-1].name
}
