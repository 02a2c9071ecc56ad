package objects

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"triptych/emulators/vision/nn"
	"triptych/emulators/vision/photo"
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
func TestLook(t *testing.T) {
	f := load(t)
	for name, want := range map[string][]Object{
		"chelsea": {{"Cat", 0.94, Box{0, 0, 0.87, 0.99}}},
		"coffee":  {{"Cup", 0.96, Box{0.29, 0.05, 0.68, 0.60}}, {"Dining table", 0.72, Box{0, 0.01, 1, 0.99}}},
		"webcam":  {{"Person", 0.66, Box{0.16, 0.16, 1, 1}}},
		"rocket":  nil,
		"tulips":  nil,
	} {
		t.Run(name+"_is_seen_as_by_the_published_network", func(t *testing.T) {
			got, err := f.look(t.Context(), open(t, name+".jpg"), stretched, surest)
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
}

func TestFind(t *testing.T) {
	f := load(t)
	for name, want := range map[string][]string{"cliff": nil, "desk": {"Cup", "Person"}} {
		t.Run("in_"+name+"_only_what_is_there_is_found", func(t *testing.T) {
			found, err := f.Find(t.Context(), open(t, name+".jpg"), 10)
			var got []string
			for _, o := range found {
				got = append(got, o.Name)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %q", found, err, want)
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

func TestConfirmed(t *testing.T) {
	most, moved, half, small := Box{0, 0, 1, 0.9}, Box{0, 0.1, 1, 1}, Box{0, 0, 0.4, 0.9}, Box{0, 0, 0.4, 0.4}
	for name, tt := range map[string]struct{ found, again, want []Object }{
		"what_is_seen_again_has_the_mean_score":    {[]Object{{"Dog", 0.75, most}}, []Object{{"Dog", 0.5, moved}}, []Object{{"Dog", 0.625, most}}},
		"what_is_not_seen_again_is_not_there":      {[]Object{{"Dog", 0.9, most}}, nil, nil},
		"what_is_seen_elsewhere_is_not_there":      {[]Object{{"Dog", 0.9, most}}, []Object{{"Dog", 0.9, half}}, nil},
		"what_is_something_else_now_is_not_there":  {[]Object{{"Dog", 0.9, most}}, []Object{{"Cat", 0.9, most}}, nil},
		"what_is_seen_twice_but_faintly_is_not":    {[]Object{{"Dog", 0.5, most}}, []Object{{"Dog", 0.4, most}}, nil},
		"what_is_small_is_there":                   {[]Object{{"Dog", 0.9, small}}, nil, []Object{{"Dog", 0.9, small}}},
		"what_is_only_seen_the_second_time_is_not": {nil, []Object{{"Dog", 0.9, most}}, nil},
		"the_surest_go_first_afterwards": {[]Object{{"Dog", 0.9, most}, {"Cup", 0.8, small}}, []Object{{"Dog", 0.6, most}},
			[]Object{{"Cup", 0.8, small}, {"Dog", 0.75, most}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := confirmed(tt.found, tt.again); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFramed(t *testing.T) {
	for name, tt := range map[string]struct{ size, want image.Rectangle }{
		"a_wide_picture_has_its_proportions": {image.Rect(0, 0, 1280, 720), image.Rect(15, 74, 285, 225)},
		"a_small_picture_is_as_large":        {image.Rect(0, 0, 10, 20), image.Rect(82, 15, 217, 285)},
		"a_picture_of_one_row_is_a_row":      {image.Rect(0, 0, 1280, 1), image.Rect(15, 149, 285, 150)},
	} {
		t.Run(name, func(t *testing.T) {
			got := framed(tt.size.Size())
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			corners := Box{float64(got.Min.X) / inputSize, float64(got.Min.Y) / inputSize, float64(got.Max.X) / inputSize, float64(got.Max.Y) / inputSize}
			if whole := corners.of(got); whole.overlap(Box{0, 0, 1, 1}) < 0.999 {
				t.Errorf("all of it is %v of it", whole)
			}
		})
	}
	t.Run("around_it_is_grey", func(t *testing.T) {
		white := image.NewRGBA(image.Rect(0, 0, 2, 1))
		for i := range white.Pix {
			white.Pix[i] = 255
		}
		got, bright := input(white, image.Pt(7, 9)), 0
		for i, v := range got.Data {
			if v != 0 {
				bright++
			}
			if at := i % (inputSize * inputSize); (v == 1) != (at == 9*inputSize+7 || at == 9*inputSize+8) {
				t.Fatalf("%d is %v", i, v)
			}
		}
		if bright != 2*3 {
			t.Errorf("%d numbers are not grey", bright)
		}
	})
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
