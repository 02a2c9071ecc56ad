package photo

import (
	"bytes"
	"image"
	"image/png"
	"maps"
	"slices"
	"testing"

	"triptych/emulators/vision/photo/phototest"
)

// quarters has a different colour in each quarter and room for whole blocks of each JPEG subsampling.
func quarters() *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, 100, 60))
	for y := range 60 {
		for x := range 100 {
			i := picture.PixOffset(x, y)
			copy(picture.Pix[i:], []byte{byte(x / 50 * 200), byte(y / 30 * 200), 100, 255})
		}
	}
	return picture
}

func TestDecodeAcceptsWhatBrowsersDisplay(t *testing.T) {
	picture := quarters()
	files := phototest.Files(t, picture)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(files[name])
			if err != nil || p.Width != 100 || p.Height != 60 {
				t.Fatalf("got %+v, %v", p, err)
			}
			checkQuarters(t, p, picture)
		})
	}
}

func checkQuarters(t *testing.T, p *Photo, want *image.RGBA) {
	t.Helper()
	const tolerance = 16 // BMP files with 565 have steps of 8, and JPEG adds noise
	for _, at := range []image.Point{{2, 2}, {47, 27}, {53, 2}, {97, 27}, {2, 33}, {47, 57}, {53, 33}, {97, 57}} {
		got, want := p.Pixels.RGBAAt(at.X, at.Y), want.RGBAAt(at.X, at.Y)
		for i, pair := range [][2]uint8{{got.R, want.R}, {got.G, want.G}, {got.B, want.B}} {
			if difference := int(pair[0]) - int(pair[1]); difference < -tolerance || difference > tolerance {
				t.Errorf("channel %d at %v is %d, want %d", i, at, pair[0], pair[1])
			}
		}
	}
}

func TestDecodePNG(t *testing.T) {
	picture := quarters()
	file := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) })
	stream := phototest.PixelStream(t, file)
	start, pixels, end := file[:33], file[33:len(file)-12], file[len(file)-12:]
	flipped := func(data []byte, at int) []byte {
		data = bytes.Clone(data)
		data[at] ^= 0xff
		return data
	}
	for name, data := range map[string][]byte{
		"wrong_checksum_of_the_pixels":   slices.Concat(start, flipped(pixels, len(pixels)-1), end),
		"damaged_compression":            phototest.WithPixelStream(file, slices.Concat(stream[:2], []byte{7}, stream[3:])), // block type 3 is reserved
		"truncated_pixels":               phototest.WithPixelStream(file, stream[:len(stream)/2]),
		"fewer_pixels_than_its_size":     phototest.WithPixelStream(file, phototest.Compress(t, make([]byte, 60*301-1))),
		"truncated_file":                 file[:len(file)-12],
		"truncated_file_and_wrong_Adler": phototest.WithPixelStream(file, flipped(stream, len(stream)-1))[:len(file)-12],
	} {
		t.Run(name+"_is_bad", func(t *testing.T) {
			if _, err := Decode(data); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("interlaced_with_more_pixels_than_its_size", func(t *testing.T) {
		for _, size := range []image.Point{{30, 20}, {1, 1}, {3, 2}, {5, 9}} {
			whole := interlaced(size.X, size.Y, quarters().RGBAAt(60, 40))
			scanlines := append(phototest.Decompress(t, phototest.PixelStream(t, whole)), 1, 2, 3)
			p, err := Decode(phototest.WithPixelStream(whole, phototest.Compress(t, scanlines)))
			if err != nil || p.Pixels.RGBAAt(size.X-1, size.Y-1) != quarters().RGBAAt(60, 40) {
				t.Errorf("%v: got %+v, %v", size, p, err)
			}
		}
	})
	exif := phototest.Chunk("eXIf", []byte("II\x2a\x00\x08\x00\x00\x00"+"\x01\x00"+"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	for name, tt := range map[string]struct {
		data []byte
		want orientation
	}{
		"eXIf_before_the_pixels_is_applied":          {slices.Concat(start, exif, pixels, end), 6},
		"eXIf_after_the_pixels_is_ignored":           {slices.Concat(start, pixels, exif, end), upright},
		"eXIf_with_a_wrong_checksum_is_ignored":      {slices.Concat(start, flipped(exif, len(exif)-1), pixels, end), upright},
		"truncated_eXIf_is_ignored":                  {slices.Concat(start, exif[:20]), upright},
		"eXIf_without_an_orientation_tag_is_ignored": {slices.Concat(start, phototest.Chunk("eXIf", []byte("II\x2a\x00")), pixels, end), upright},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readOrientation(tt.data); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
