package faces

import (
	"image"
	"image/color"
	"image/draw"
	"testing"
)

func TestBrightened(t *testing.T) {
	grey := func(level uint8) *image.RGBA {
		picture := image.NewRGBA(image.Rect(0, 0, 20, 20))
		draw.Draw(picture, picture.Rect, image.NewUniform(color.RGBA{level, level, level, 255}), image.Point{}, draw.Src)
		return picture
	}
	spot := grey(50)
	spot.SetRGBA(0, 0, color.RGBA{255, 255, 255, 255})
	tests := []struct {
		name    string
		picture *image.RGBA
		want    uint8 // in the middle
	}{
		{"dark_picture_becomes_white", grey(30), 255},
		{"small_bright_spot_does_not_matter", spot, 255},
		{"very_dark_picture_becomes_ten_times_brighter", grey(10), 100},
		{"bright_picture_stays", grey(100), 100},
		{"black_picture_stays", grey(0), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := brightened(tt.picture).RGBAAt(10, 10); got != (color.RGBA{tt.want, tt.want, tt.want, 255}) {
				t.Errorf("got %v, want %d", got, tt.want)
			}
		})
	}
}
