package photo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"maps"
	"slices"
	"testing"

	"golang.org/x/image/bmp"

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
	const tolerance = 20 // BMP files with 4 bits per channel have steps of 17, and lossy formats add noise
	for _, at := range []image.Point{{2, 2}, {47, 27}, {53, 2}, {97, 27}, {2, 33}, {47, 57}, {53, 33}, {97, 57}} {
		got, want := p.Pixels.RGBAAt(at.X, at.Y), want.RGBAAt(at.X, at.Y)
		for i, pair := range [][2]uint8{{got.R, want.R}, {got.G, want.G}, {got.B, want.B}} {
			if difference := int(pair[0]) - int(pair[1]); difference < -tolerance || difference > tolerance {
				t.Errorf("channel %d at %v is %d, want %d", i, at, pair[0], pair[1])
			}
		}
	}
}

// Made by cjpeg 2.1.5 of libjpeg-turbo from quarters(), with -quality 90 -progressive and -sample 3x1, or
// -sample 2x2,1x2,2x1 -restart 2B.
var progressive = []string{"../photo/testdata/progressive-3x1.jpg", "../photo/testdata/progressive-mixed-restart.jpg"}

func TestDecodeGIF(t *testing.T) {
	picture := quarters()
	frame := image.NewPaletted(image.Rect(20, 10, 60, 50), color.Palette{color.White, color.RGBA{0, 120, 0, 255}})
	for i := range frame.Pix {
		frame.Pix[i] = 1
	}
	file := encoded(t, func(b *bytes.Buffer) error {
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{1}, LoopCount: 5, Config: image.Config{Width: 100, Height: 60}})
	})
	for name, tt := range map[string]struct{ screen, want image.Point }{
		"frame_beyond_the_right_edge_widens_the_screen":  {image.Pt(50, 60), image.Pt(60, 60)},
		"frame_beyond_the_lower_edge_makes_it_higher":    {image.Pt(100, 20), image.Pt(100, 50)},
		"frame_inside_the_screen_does_not_change_it":     {image.Pt(61, 51), image.Pt(61, 51)},
		"screen_without_size_becomes_as_large_as_needed": {image.Pt(0, 0), image.Pt(60, 50)},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(phototest.WithScreen(file, tt.screen.X, tt.screen.Y))
			if err != nil || p.Width != tt.want.X || p.Height != tt.want.Y {
				t.Fatalf("got %+v, %v", p, err)
			}
			if p.Pixels.RGBAAt(5, 5).R != 255 || p.Pixels.RGBAAt(25, 15).G != 120 {
				t.Error("the frame is at another place")
			}
		})
	}
	t.Run("truncated_file_is_bad", func(t *testing.T) {
		file := phototest.WithScreen(encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }), 10, 10)
		for _, n := range []int{6, 12, 13, 20, 800, len(file) / 2} {
			if _, err := Decode(file[:n]); err != ErrBad {
				t.Errorf("%d of %d bytes: got %v", n, len(file), err)
			}
		}
	})
}

func TestDecodeBMP(t *testing.T) {
	file := phototest.RunLengthBMP(quarters())
	for _, n := range []int{10, 54, 100, 900, len(file) - 20} {
		t.Run(fmt.Sprintf("%d_of_%d_bytes_are_bad", n, len(file)), func(t *testing.T) {
			if _, err := Decode(file[:n]); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
	small := image.NewRGBA(image.Rect(0, 0, 4, 4))
	draw.Draw(small, small.Rect, image.NewUniform(color.RGBA{0, 120, 0, 255}), image.Point{}, draw.Src)
	wide := image.NewRGBA(image.Rect(0, 0, 50_000, 1))
	draw.Draw(wide, wide.Rect, image.NewUniform(color.RGBA{0, 120, 0, 255}), image.Point{}, draw.Src)
	rgb := func(picture image.Image) []byte {
		return encoded(t, func(b *bytes.Buffer) error { return bmp.Encode(b, picture) })
	}
	withColoursUsed := func(file []byte) []byte {
		binary.LittleEndian.PutUint32(file[46:], 1<<24)
		return file
	}
	withGap := func(file []byte) []byte { // x/image/bmp refuses it
		binary.LittleEndian.PutUint32(file[10:], 54+4)
		return slices.Insert(file, 54, 0, 0, 0, 0)
	}
	const v5 = 124
	transparent := slices.Concat([]byte("BM"), make([]byte, 8), []byte{14 + v5, 0, 0, 0, v5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 32},
		make([]byte, v5-15), []byte{0, 120, 0, 0})
	withAlphaMask := bytes.Clone(transparent)
	binary.LittleEndian.PutUint32(withAlphaMask[66:], 0xff000000)
	green := color.RGBA{0, 120, 0, 255}
	for name, tt := range map[string]struct {
		data []byte
		want color.RGBA
	}{
		"24_bits":                           {rgb(small), green},
		"more_than_10000_colours":           {withColoursUsed(rgb(small)), green},
		"more_than_10000_colours_and_a_gap": {withColoursUsed(withGap(rgb(small))), green},
		"more_than_46340_columns":           {rgb(wide), green},
		"transparent_pixels_of_a_V5_file":   {withAlphaMask, color.RGBA{255, 255, 255, 255}},
		"pixels_without_an_alpha_mask":      {transparent, green}, // as in Chromium
	} {
		t.Run(name+"_are_decoded", func(t *testing.T) {
			p, err := Decode(tt.data)
			if err != nil || p.Pixels.RGBAAt(0, 0) != tt.want {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

// Made by cwebp 1.2.4 of libwebp from quarters(), with -q 90.
const webP = "../photo/testdata/quarters.webp"

func TestDecodeWebP(t *testing.T) {
	picture := quarters()
	file := read(t, webP)
	opaque, transparent := bytes.Repeat([]byte{255}, 100*60), make([]byte, 100*60)
	for name, data := range map[string][]byte{
		"without_header_of_alpha":        file,
		"alpha_flag_without_alpha":       phototest.WithAlpha(file, 100, 60, true, nil),
		"alpha_without_flag":             phototest.WithAlpha(file, 100, 60, false, opaque),
		"alpha_with_flag":                phototest.WithAlpha(file, 100, 60, true, opaque),
		"neither_alpha_nor_flag_in_VP8X": phototest.WithAlpha(file, 100, 60, false, nil),
	} {
		t.Run(name+"_is_decoded", func(t *testing.T) {
			p, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			checkQuarters(t, p, picture)
		})
	}
	t.Run("alpha_without_flag_is_applied", func(t *testing.T) {
		p, err := Decode(phototest.WithAlpha(file, 100, 60, false, transparent))
		if err != nil || p.Pixels.RGBAAt(50, 30) != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("truncated_file_is_bad", func(t *testing.T) {
		data := phototest.WithAlpha(file, 100, 60, true, nil)
		for _, n := range []int{12, 20, 21, 40, len(data) - 10} {
			if _, err := Decode(data[:n]); err != ErrBad {
				t.Errorf("%d of %d bytes: got %v", n, len(data), err)
			}
		}
	})
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
		"second_IHDR_that_is_too_short":  slices.Concat(start, phototest.Chunk("IHDR", nil), pixels, end),
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
	t.Run("unknown_chunk_before_IHDR_does_not_change_the_number_of_pixels", func(t *testing.T) {
		surplus := phototest.WithPixelStream(file, phototest.Compress(t, append(phototest.Decompress(t, stream), 1)))
		p, err := Decode(slices.Insert(surplus, len(pngSignature), phototest.Chunk("ABCD", make([]byte, 13))...))
		if err != nil {
			t.Fatal(err)
		}
		checkQuarters(t, p, picture)
	})
	t.Run("transparency_with_a_wrong_checksum_is_ignored", func(t *testing.T) {
		paint := image.NewPaletted(image.Rect(0, 0, 3, 3), color.Palette{color.NRGBA{0, 120, 0, 0}, color.NRGBA{1, 1, 1, 255}})
		file := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, paint) })
		at := bytes.Index(file, []byte("tRNS"))
		for wantGreen, data := range map[uint8][]byte{255: file, 120: flipped(file, at+5)} {
			p, err := Decode(data)
			if err != nil || p.Pixels.RGBAAt(1, 1).G != wantGreen {
				t.Errorf("got %+v, %v, want %d", p, err, wantGreen)
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
