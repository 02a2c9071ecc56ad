package objects

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"triptych/local/vision/nn"
	"triptych/local/vision/photo"
)

func open(t testing.TB, name string) *image.RGBA {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := photo.Decode(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	return p.Pixels
}

func load(t testing.TB) *Finder {
	t.Helper()
	f, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The wanted scores and boxes are those of the published network, before its weights were stored in bytes:
// computed once by another program from the same 300 × 300 pixels.
func TestFind(t *testing.T) {
	f := load(t)
	for name, want := range map[string][]Object{
		"chelsea": {{"Cat", 0.94, Box{0, 0, 0.87, 0.99}}},
		"coffee":  {{"Cup", 0.96, Box{0.29, 0.05, 0.68, 0.60}}, {"Dining table", 0.72, Box{0, 0.01, 1, 0.99}}},
		"webcam":  {{"Person", 0.66, Box{0.16, 0.16, 1, 1}}},
		"rocket":  nil,
		"tulips":  nil,
	} {
		t.Run(name+"_is_seen_as_by_the_published_network", func(t *testing.T) {
			got, err := f.Find(t.Context(), open(t, name+".jpg"), 10)
			if err != nil || len(got) != len(want) {
				t.Fatalf("got %v, %v, want %v", got, err, want)
			}
			for i, o := range got {
				if o.Name != want[i].Name || math.Abs(o.Score-want[i].Score) > 0.05 || o.Box.overlap(want[i].Box) < 0.9 {
					t.Errorf("got %v, want %v", o, want[i])
				}
			}
		})
	}
	coffee := open(t, "coffee.jpg")
	t.Run("no_more_are_given_than_asked", func(t *testing.T) {
		if got, err := f.Find(t.Context(), coffee, 1); err != nil || len(got) != 1 || got[0].Name != "Cup" {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("an_ended_context_ends_it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Find(ctx, coffee, 10); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	for name, r := range map[string]image.Rectangle{
		"a_picture_of_one_pixel_has_no_object": image.Rect(0, 0, 1, 1), "a_picture_of_one_row_has_no_object": image.Rect(0, 0, 1280, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := f.Find(t.Context(), image.NewRGBA(r), 10); err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestDistinct(t *testing.T) {
	left, leftToo, right := Box{0, 0, 0.4, 1}, Box{0, 0.05, 0.4, 1}, Box{0.5, 0, 1, 1}
	half := Box{0, 0, 0.4, 0.6}
	for name, tt := range map[string]struct{ found, want []Object }{
		"one_thing_seen_twice_is_one":          {[]Object{{"Dog", 0.6, left}, {"Dog", 0.9, half}}, []Object{{"Dog", 0.9, half}}},
		"a_dog_is_not_a_cat_too":               {[]Object{{"Cat", 0.6, leftToo}, {"Dog", 0.9, left}}, []Object{{"Dog", 0.9, left}}},
		"two_apart_are_two":                    {[]Object{{"Dog", 0.9, left}, {"Dog", 0.8, right}}, []Object{{"Dog", 0.9, left}, {"Dog", 0.8, right}}},
		"what_is_in_front_of_another_is_both":  {[]Object{{"Person", 0.9, left}, {"Tie", 0.8, half}}, []Object{{"Person", 0.9, left}, {"Tie", 0.8, half}}},
		"of_equals_the_first_found_goes_first": {[]Object{{"Dog", 0.9, right}, {"Dog", 0.9, left}}, []Object{{"Dog", 0.9, right}, {"Dog", 0.9, left}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := distinct(tt.found); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAnchors(t *testing.T) {
	f := load(t)
	t.Run("each_place_of_each_grid_has_its_anchors", func(t *testing.T) {
		places, heads := 0, 0
		err := f.network.run(t.Context(), nn.New(3, inputSize, inputSize), func(boxes, classes *nn.Tensor) {
			places, heads = places+len(boxes.Data)/boxParameters, heads+1
			if len(classes.Data)/len(names) != len(boxes.Data)/boxParameters {
				t.Errorf("%v boxes, %v classes", boxes.Shape, classes.Shape)
			}
		})
		if err != nil || places != len(f.anchors) || heads != 6 {
			t.Errorf("%d places, %d anchors, %d pairs of heads, %v", places, len(f.anchors), heads, err)
		}
	})
}

func TestNames(t *testing.T) {
	t.Run("there_are_80_and_none_twice", func(t *testing.T) {
		if all := Names(); len(all) != 80 || len(slices.Compact(all)) != 80 {
			t.Errorf("%d: %v", len(all), all)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	f, picture := load(b), open(b, "desk.jpg")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Find(b.Context(), picture, 10); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}
