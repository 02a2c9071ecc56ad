package faces

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"testing"

	"triptych/emulators/vision/photo"
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

func cropped(from *image.RGBA, r image.Rectangle) *image.RGBA {
	to, _ := photo.Letterbox(from, r, r.Size(), false)
	return to
}

func near(t *testing.T, feature string, got Point, x, y, tolerance float64) {
	t.Helper()
	if math.Hypot(got.X-x, got.Y-y) > tolerance {
		t.Errorf("%s is at (%.0f,%.0f), want (%.0f,%.0f) within %.0f", feature, got.X, got.Y, x, y, tolerance)
	}
}

func TestFind(t *testing.T) {
	f := load(t)
	astronaut := open(t, "astronaut.jpg")
	tests := []struct {
		name    string
		picture *image.RGBA
		dx, dy  float64 // position of the astronaut's (0,0)
		faces   int
	}{
		{"smiling_astronaut_is_one_happy_face", astronaut, 0, 0, 1},
		{"upright_crop_is_one_happy_face", cropped(astronaut, image.Rect(100, 20, 330, 400)), -100, -20, 1},
		{"wide_crop_is_one_happy_face", cropped(astronaut, image.Rect(0, 40, 500, 240)), 0, -40, 1},
		{"dark_portrait_is_one_happy_face", open(t, "dark.jpg"), 0, 0, 1},
		{"cup_of_coffee_has_no_face", open(t, "coffee.jpg"), 0, 0, 0},
		{"cat_has_no_human_face", open(t, "chelsea.jpg"), 0, 0, 0},
		{"rocket_has_no_face", open(t, "rocket.jpg"), 0, 0, 0},
		{"one_pixel_has_no_face", cropped(astronaut, image.Rect(0, 0, 1, 1)), 0, 0, 0},
		{"one_row_has_no_face", cropped(astronaut, image.Rect(0, 100, 512, 101)), 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found, err := f.Find(t.Context(), tt.picture, 10)
			if err != nil || len(found) != tt.faces {
				t.Fatalf("got %d faces, %v, want %d", len(found), err, tt.faces)
			}
			for _, face := range found {
				near(t, "the upper left corner", Point{face.Box.Left, face.Box.Top}, 163+tt.dx, 76+tt.dy, 12)
				near(t, "the lower right corner", Point{face.Box.Right, face.Box.Bottom}, 278+tt.dx, 188+tt.dy, 12)
				left, right := face.Landmarks.Eyes()
				near(t, "the left eye", left, 205+tt.dx, 101+tt.dy, 6)
				near(t, "the right eye", right, 247+tt.dx, 103+tt.dy, 6)
				near(t, "the tip of the nose", face.Landmarks[30], 224+tt.dx, 127+tt.dy, 6)
				near(t, "the chin", face.Landmarks[8], 222+tt.dx, 177+tt.dy, 8)
				if math.Abs(face.Landmarks.Roll()) > 8 || face.Score < 0.7 || face.Agreement < 0.5 || face.Expressions.Happy < 0.9 {
					t.Errorf("roll %.1f, score %.2f, agreement %.2f, %+v", face.Landmarks.Roll(), face.Score, face.Agreement, face.Expressions)
				}
			}
		})
	}
}

func TestFindTwoFaces(t *testing.T) {
	f := load(t)
	astronaut := open(t, "astronaut.jpg")
	twins := image.NewRGBA(image.Rect(0, 0, 600, 300))
	for y := range 300 {
		for x := range 600 {
			twins.SetRGBA(x, y, astronaut.RGBAAt(70+x%300, y))
		}
	}
	t.Run("two_faces_do_not_overlap", func(t *testing.T) {
		found, err := f.Find(t.Context(), twins, 10)
		if err != nil || len(found) != 2 || found[0].Box.overlap(found[1].Box) > 0 || found[0].Score < found[1].Score {
			t.Errorf("got %d faces, %v", len(found), err)
		}
	})
	t.Run("limit_is_respected", func(t *testing.T) {
		if found, err := f.Find(t.Context(), twins, 1); err != nil || len(found) != 1 {
			t.Errorf("got %d faces, %v", len(found), err)
		}
	})
	t.Run("cancelled_context_stops_the_search", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Find(ctx, twins, 10); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMirrored(t *testing.T) {
	t.Run("mirroring_twice_is_the_identity", func(t *testing.T) {
		for i, m := range mirrored {
			if mirrored[m] != i {
				t.Errorf("%d becomes %d, which becomes %d", i, m, mirrored[m])
			}
		}
	})
}

func TestRoll(t *testing.T) {
	t.Run("lower_right_eye_is_a_clockwise_roll", func(t *testing.T) {
		var l Landmarks
		for i := 42; i < 48; i++ {
			l[i] = Point{10, 10}
		}
		if roll := l.Roll(); math.Abs(roll-45) > 1e-9 {
			t.Errorf("got %v", roll)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	f, picture := load(b), open(b, "astronaut.jpg")
	for b.Loop() {
		if _, err := f.Find(b.Context(), picture, 10); err != nil {
			b.Fatal(err)
		}
	}
}
