package colours

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"os"
	"testing"

	"triptych/emulators/vision/photo"
)

func stripes(colours ...color.Color) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, 40*len(colours), 50))
	for i, c := range colours {
		draw.Draw(picture, image.Rect(40*i, 0, 40*(i+1), 50), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return picture
}

func TestDominant(t *testing.T) {
	red, blue, grey := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}, color.RGBA{90, 90, 90, 255}
	t.Run("plain_picture_has_one_colour", func(t *testing.T) {
		got := Dominant(stripes(red))
		if len(got) != 1 || got[0] != (Colour{200, 0, 0, 1, 1}) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("fractions_are_areas", func(t *testing.T) {
		for _, c := range Dominant(stripes(red, red, blue, grey)) {
			if want := map[float64]float64{200: 0.5, 0: 0.25, 90: 0.25}[c.Red]; c.Fraction != want {
				t.Errorf("%+v: the fraction should be %v", c, want)
			}
		}
	})
	t.Run("vivid_colour_scores_higher_than_grey", func(t *testing.T) {
		got := Dominant(stripes(grey, red))
		if len(got) != 2 || got[0].Red != 200 || got[0].Score <= got[1].Score {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("indistinguishable_shades_are_one_colour", func(t *testing.T) {
		if got := Dominant(stripes(color.Gray{127}, color.Gray{128})); len(got) != 1 || got[0].Red != 127.5 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestDominantOfPhotograph(t *testing.T) {
	data, err := os.ReadFile("../testdata/coffee.jpg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := photo.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got := Dominant(p.Pixels)
	var fractions, scores float64
	for _, c := range got {
		t.Logf("%+v", c)
		fractions, scores = fractions+c.Fraction, scores+c.Score
	}
	t.Run("fractions_and_scores_add_up_to_1", func(t *testing.T) {
		if len(got) < 5 || math.Abs(fractions-1) > 1e-9 || math.Abs(scores-1) > 1e-9 {
			t.Errorf("%d colours, fractions %v, scores %v", len(got), fractions, scores)
		}
	})
	t.Run("coffee_on_wood_is_mostly_brown", func(t *testing.T) {
		if c := got[0]; c.Red < c.Green || c.Green < c.Blue {
			t.Errorf("the first colour is %+v", c)
		}
	})
}

func TestLab(t *testing.T) {
	for name, tt := range map[string]struct{ rgb, want [3]float64 }{
		"white": {[3]float64{255, 255, 255}, [3]float64{100, 0, 0}},
		"black": {[3]float64{0, 0, 0}, [3]float64{0, 0, 0}},
		"red":   {[3]float64{255, 0, 0}, [3]float64{53.24, 80.09, 67.20}},
	} {
		t.Run(name, func(t *testing.T) {
			got := toLab(tt.rgb[0], tt.rgb[1], tt.rgb[2])
			if d := got.distance2(lab{tt.want[0], tt.want[1], tt.want[2]}); d > 0.01 {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func BenchmarkDominant(b *testing.B) {
	data, err := os.ReadFile("../testdata/coffee.jpg")
	if err != nil {
		b.Fatal(err)
	}
	p, err := photo.Decode(data)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Dominant(p.Pixels)
	}
}
