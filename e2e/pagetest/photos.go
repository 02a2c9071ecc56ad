package pagetest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// Sideways returns the path of a photo of 2400 × 1200 pixels. Its EXIF orientation turns it upright.
func Sideways(t *testing.T) string {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 2400, 1200))
	for y := range 1200 {
		for x := range 2400 {
			c := color.RGBA{200, 0, 0, 255}
			if x >= 1200 {
				c = color.RGBA{0, 0, 200, 255}
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, picture, nil); err != nil {
		t.Fatal(err)
	}
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	path := filepath.Join(t.TempDir(), "sideways.jpg")
	if err := os.WriteFile(path, append(append([]byte("\xff\xd8"), exif...), plain.Bytes()[2:]...), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// LineDrawing returns the path of a PNG of 3000 × 2000 pixels. It is transparent except for a short thin line.
func LineDrawing(t *testing.T) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 3000, 2000))
	draw.Draw(picture, image.Rect(1000, 1030, 1100, 1033), image.Black, image.Point{}, draw.Src)
	path := filepath.Join(t.TempDir(), "line.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
	return path
}
