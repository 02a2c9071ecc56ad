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
	"triptych/emulators/vision/ssd"
)

func open(t testing.TB, name string) *image.RGBA {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := photo.Decode(data)
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

// The emulator rounds the published network's filters to bytes, so scores and boxes differ slightly.
func TestDetect(t *testing.T) {
	f := load(t)
	for name, want := range map[string][]Object{
		"chelsea": {{"Cat", 0.94, Box{0, 0, 0.87, 0.99}}},
		"coffee":  {{"Cup", 0.96, Box{0.29, 0.05, 0.68, 0.60}}, {"Dining table", 0.72, Box{0, 0.01, 1, 0.99}}},
		"webcam":  {{"Person", 0.66, Box{0.16, 0.16, 1, 1}}},
		"rocket":  nil,
		"tulips":  nil,
	} {
		t.Run(name+"_matches_the_published_network", func(t *testing.T) {
			got, err := f.detect(t.Context(), open(t, name+".jpg"), stretched, minScore)
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
		t.Run(name+"_has_no_false_detection", func(t *testing.T) {
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
	t.Run("limit_is_respected", func(t *testing.T) {
		if got, err := f.Find(t.Context(), coffee, 1); err != nil || len(got) != 1 || got[0].Name != "Cup" {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("cancelled_context_stops_the_search", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Find(ctx, coffee, 10); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	for name, r := range map[string]image.Rectangle{
		"one_pixel_has_no_object": image.Rect(0, 0, 1, 1), "one_row_has_no_object": image.Rect(0, 0, 1280, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := f.Find(t.Context(), image.NewRGBA(r), 10); err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestConfirmed(t *testing.T) {
	large, moved, half, small := Box{0, 0, 1, 0.9}, Box{0, 0.1, 1, 1}, Box{0, 0, 0.4, 0.9}, Box{0, 0, 0.4, 0.4}
	for name, tt := range map[string]struct{ first, second, want []Object }{
		"confirmed_object_has_the_mean_score":          {[]Object{{"Dog", 0.75, large}}, []Object{{"Dog", 0.5, moved}}, []Object{{"Dog", 0.625, large}}},
		"unconfirmed_large_object_is_dropped":          {[]Object{{"Dog", 0.9, large}}, nil, nil},
		"object_found_elsewhere_is_dropped":            {[]Object{{"Dog", 0.9, large}}, []Object{{"Dog", 0.9, half}}, nil},
		"object_of_another_class_is_dropped":           {[]Object{{"Dog", 0.9, large}}, []Object{{"Cat", 0.9, large}}, nil},
		"mean_score_below_the_minimum_is_dropped":      {[]Object{{"Dog", 0.5, large}}, []Object{{"Dog", 0.4, large}}, nil},
		"small_object_needs_no_confirmation":           {[]Object{{"Dog", 0.9, small}}, nil, []Object{{"Dog", 0.9, small}}},
		"object_found_only_the_second_time_is_dropped": {nil, []Object{{"Dog", 0.9, large}}, nil},
		"result_is_sorted_by_the_mean_score": {[]Object{{"Dog", 0.9, large}, {"Cup", 0.8, small}}, []Object{{"Dog", 0.6, large}},
			[]Object{{"Cup", 0.8, small}, {"Dog", 0.75, large}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := confirmed(tt.first, tt.second); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWithMargin(t *testing.T) {
	for name, tt := range map[string]struct{ size, want image.Rectangle }{
		"wide_picture_keeps_its_proportions": {image.Rect(0, 0, 1280, 720), image.Rect(15, 74, 285, 225)},
		"small_picture_is_enlarged":          {image.Rect(0, 0, 10, 20), image.Rect(82, 15, 217, 285)},
		"one_row_stays_one_row":              {image.Rect(0, 0, 1280, 1), image.Rect(15, 149, 285, 150)},
	} {
		t.Run(name, func(t *testing.T) {
			got := withMargin(tt.size.Size())
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			corners := Box{float64(got.Min.X) / inputSize, float64(got.Min.Y) / inputSize, float64(got.Max.X) / inputSize, float64(got.Max.Y) / inputSize}
			if whole := corners.inPicture(got); whole.overlap(Box{0, 0, 1, 1}) < 0.999 {
				t.Errorf("the whole picture is %v", whole)
			}
		})
	}
	t.Run("margin_is_grey", func(t *testing.T) {
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
		"same_class_overlapping_is_one_object":         {[]Object{{"Dog", 0.6, left}, {"Dog", 0.9, half}}, []Object{{"Dog", 0.9, half}}},
		"two_classes_in_the_same_place_are_one_object": {[]Object{{"Cat", 0.6, leftToo}, {"Dog", 0.9, left}}, []Object{{"Dog", 0.9, left}}},
		"two_objects_apart":                            {[]Object{{"Dog", 0.9, left}, {"Dog", 0.8, right}}, []Object{{"Dog", 0.9, left}, {"Dog", 0.8, right}}},
		"object_in_front_of_another":                   {[]Object{{"Person", 0.9, left}, {"Tie", 0.8, half}}, []Object{{"Person", 0.9, left}, {"Tie", 0.8, half}}},
		"equal_scores_keep_their_order":                {[]Object{{"Dog", 0.9, right}, {"Dog", 0.9, left}}, []Object{{"Dog", 0.9, right}, {"Dog", 0.9, left}}},
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
	t.Run("each_head_has_its_anchors", func(t *testing.T) {
		boxCount, heads := 0, 0
		err := f.network.run(t.Context(), nn.New(3, inputSize, inputSize), func(boxes, classes *nn.Tensor) {
			boxCount, heads = boxCount+len(boxes.Data)/ssd.BoxParameters, heads+1
			if len(classes.Data)/len(names) != len(boxes.Data)/ssd.BoxParameters {
				t.Errorf("%v boxes, %v classes", boxes.Shape, classes.Shape)
			}
		})
		if err != nil || boxCount != len(f.anchors)/ssd.BoxParameters || heads != 6 {
			t.Errorf("%d boxes, %d anchors, %d pairs of heads, %v", boxCount, len(f.anchors)/ssd.BoxParameters, heads, err)
		}
	})
}

func TestNames(t *testing.T) {
	t.Run("80_different_names", func(t *testing.T) {
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
