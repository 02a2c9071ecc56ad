package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jsummers/gobmp"

	"triptych/emulators/vision/photo/phototest"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// hexColours returns the colours of the pixels, row by row.
func hexColours(p *Photo) []string {
	var out []string
	for pixel := range slices.Chunk(p.Pixels.Pix, 4) {
		out = append(out, fmt.Sprintf("%x", pixel[:3]))
	}
	return out
}

const red, green, blue, yellow, black, white = "c80000", "00c800", "0000c8", "c8c800", "000000", "ffffff"

func pngHeader(width, height uint32) []byte {
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 2, 0, 0, 0)
	out := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	return binary.BigEndian.AppendUint32(append(out, header...), crc32.ChecksumIEEE(header))
}

func bmpHeader(width, height int32) []byte {
	out := append([]byte("BM"), make([]byte, 12)...)
	out = binary.LittleEndian.AppendUint32(out, 40)
	out = binary.LittleEndian.AppendUint32(out, uint32(width))
	out = binary.LittleEndian.AppendUint32(out, uint32(height))
	return append(out, make([]byte, 28)...)
}

// image/png cannot write interlaced files (Adam7).
func interlaced(width, height int, c color.RGBA) []byte {
	var pixels bytes.Buffer
	packed := zlib.NewWriter(&pixels)
	for _, pass := range []struct{ left, top, across, down int }{
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		columns := max(0, width-pass.left+pass.across-1) / pass.across
		for y := pass.top; y < height && columns > 0; y += pass.down {
			packed.Write(append([]byte{0}, bytes.Repeat([]byte{c.R, c.G, c.B}, columns)...)) // 0: no filter
		}
	}
	packed.Close()
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = append(binary.BigEndian.AppendUint32(header, uint32(height)), 8, 2, 0, 0, 1)
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		name string
		body []byte
	}{{"IHDR", header}, {"IDAT", pixels.Bytes()}, {"IEND", nil}} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(chunk.body)))
		named := append([]byte(chunk.name), chunk.body...)
		out = binary.BigEndian.AppendUint32(append(out, named...), crc32.ChecksumIEEE(named))
	}
	return out
}

// The ink values are inverted, as in files from Adobe programs: 255 means no ink.
func cmykJPEG(width, height int, inks [4]byte) []byte {
	out := []byte("\xff\xd8")
	segment := func(marker byte, body ...byte) {
		out = append(binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(len(body)+2)), body...)
	}
	segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00")...)
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{8}, 64)...)...) // with these, a DC coefficient is the sample minus 128
	segment(0xc0, 8, 0, byte(height), 0, byte(width), 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)
	segment(0xc4, append(append([]byte{0x00, 0, 0, 0, 9}, make([]byte, 12)...), 0, 1, 2, 3, 4, 5, 6, 7, 8)...)
	segment(0xc4, append(append([]byte{0x10, 1}, make([]byte, 15)...), 0)...)
	segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)
	var bitstream strings.Builder
	for block := range (width + 7) / 8 * ((height + 7) / 8) {
		for _, ink := range inks {
			difference := int(255-ink) - 128
			if block > 0 {
				difference = 0
			}
			length := bits.Len(uint(max(difference, -difference)))
			fmt.Fprintf(&bitstream, "%04b", length)
			if difference < 0 {
				difference += 1<<length - 1
			}
			if length > 0 {
				fmt.Fprintf(&bitstream, "%0*b", length, difference)
			}
			bitstream.WriteByte('0')
		}
	}
	for eight := range slices.Chunk([]byte(bitstream.String()+"1111111"), 8) {
		b, _ := strconv.ParseUint(string(eight), 2, 8)
		if len(eight) == 8 {
			out = append(out, byte(b))
			if b == 0xff {
				out = append(out, 0)
			}
		}
	}
	return append(out, 0xff, 0xd9)
}

func TestDecode(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.NRGBA{0, 120, 0, 255}, color.NRGBA{0, 0, 0, 0}})
	for name, data := range map[string][]byte{
		"JPEG": encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }),
		"PNG":  encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) }),
		"GIF":  encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }),
		"BMP":  encoded(t, func(b *bytes.Buffer) error { return gobmp.Encode(b, picture) }),
		"PNG_with_16_bits": encoded(t, func(b *bytes.Buffer) error {
			deep := image.NewNRGBA64(picture.Rect)
			draw.Draw(deep, deep.Rect, picture, image.Point{}, draw.Src)
			return png.Encode(b, deep)
		}),
		"interlaced_PNG": interlaced(30, 20, color.RGBA{0, 120, 0, 255}),
		"CMYK_JPEG":      cmykJPEG(30, 20, [4]byte{255, 135, 255, 0}),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			c := p.Pixels.RGBAAt(15, 10)
			if p.Width != 30 || p.Height != 20 || c.R > 3 || c.B > 3 || c.G < 117 || c.G > 123 || c.A != 255 {
				t.Errorf("got %d×%d of %v", p.Width, p.Height, c)
			}
		})
	}
	t.Run("WebP", func(t *testing.T) {
		// One white pixel in a VP8L stream.
		data := []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
		p, err := Decode(data)
		if err != nil || p.Width != 1 || p.Height != 1 {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("first_frame_of_GIF_is_placed_on_its_canvas", func(t *testing.T) {
		for _, canvas := range []image.Point{{300, 200}, {2600, 200}} { // the second one is scaled down
			frame := image.NewPaletted(image.Rect(100, 50, 200, 150), color.Palette{color.NRGBA{0, 120, 0, 255}})
			data := encoded(t, func(b *bytes.Buffer) error {
				return gif.EncodeAll(b, &gif.GIF{
					Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: canvas.X, Height: canvas.Y},
				})
			})
			p, err := Decode(data)
			if err != nil || p.Width != canvas.X || p.Height != canvas.Y {
				t.Fatalf("got %+v, %v", p, err)
			}
			for at, want := range map[image.Point]color.RGBA{
				{96, 100}: {255, 255, 255, 255}, {103, 54}: {0, 120, 0, 255}, {196, 146}: {0, 120, 0, 255}, {204, 100}: {255, 255, 255, 255},
			} {
				if got := p.Pixels.RGBAAt(at.X/p.Scale, at.Y/p.Scale); got != want {
					t.Errorf("of %v, %v is %v, want %v", canvas, at, got, want)
				}
			}
		}
	})
	t.Run("transparent_pixels_become_white", func(t *testing.T) {
		picture := image.NewNRGBA(image.Rect(0, 0, 4, 4))
		p, err := Decode(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) }))
		if err != nil || p.Pixels.RGBAAt(1, 1) != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("got %v, %v", p, err)
		}
	})
	t.Run("large_picture_is_averaged", func(t *testing.T) {
		picture := image.NewGray(image.Rect(0, 0, 1501, 1000))
		for i := range picture.Pix {
			picture.Pix[i] = byte(i%picture.Stride%2) * 200 // columns of 0 and 200
		}
		p, err := Decode(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) }))
		if err != nil || p.Width != 1501 || p.Height != 1000 || p.Scale != 2 || p.Pixels.Rect != image.Rect(0, 0, 751, 500) {
			t.Fatalf("got %+v, %v", p, err)
		}
		for at, want := range map[image.Point]uint8{{0, 0}: 100, {749, 499}: 100, {750, 499}: 0} {
			if got := p.Pixels.RGBAAt(at.X, at.Y).R; got != want {
				t.Errorf("%v is %d, want %d", at, got, want)
			}
		}
	})
	t.Run("one_row_stays_one_row", func(t *testing.T) {
		picture := image.NewGray(image.Rect(0, 0, 5000, 1))
		p, err := Decode(encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) }))
		if err != nil || p.Pixels.Rect != image.Rect(0, 0, 1250, 1) {
			t.Errorf("got %+v, %v", p, err)
		}
	})
}

var animatedWebP = []byte("RIFF\x52\x00\x00\x00WEBP" +
	"VP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"ANIM\x06\x00\x00\x00\xff\xff\xff\xff\x00\x00" +
	"ANMF\x26\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x64\x00\x00\x00" +
	"VP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")

func TestDecodeRefuses(t *testing.T) {
	astronaut := read(t, "astronaut.jpg")
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"no_data":                            {nil, ErrBad},
		"text":                               {[]byte("<html>not found</html>"), ErrBad},
		"truncated_JPEG":                     {astronaut[:len(astronaut)/2], ErrBad},
		"header_without_pixels":              {pngHeader(10, 10), ErrBad},
		"3600_megapixels":                    {pngHeader(60_000, 60_000), ErrTooLarge},
		"one_pixel_over_the_limit":           {pngHeader(MaxPixels+1, 1), ErrTooLarge},
		"one_row_over_the_limit":             {pngHeader(7500, 10_001), ErrTooLarge},
		"3600_megapixels_as_BMP":             {bmpHeader(60_000, 60_000), ErrTooLarge},
		"3600_megapixels_as_top_down":        {bmpHeader(60_000, -60_000), ErrTooLarge},
		"exactly_the_limit_is_not_too_large": {pngHeader(7500, 10_000), ErrBad},
		"animated_WebP":                      {animatedWebP, ErrBad},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(tt.data); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestLetterbox(t *testing.T) {
	white := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	for name, tt := range map[string]struct {
		crop    image.Rectangle
		centred bool
		scale   float64
		white   image.Rectangle
	}{
		"wide_crop_is_drawn_at_the_top":     {white.Rect, false, 2, image.Rect(0, 0, 80, 40)},
		"wide_crop_is_centred":              {white.Rect, true, 2, image.Rect(0, 20, 80, 60)},
		"crop_is_limited_to_the_picture":    {image.Rect(30, -5, 90, 90), true, 4, image.Rect(20, 0, 60, 80)},
		"crop_outside_the_picture_is_black": {image.Rect(50, 50, 60, 60), true, 1, image.Rectangle{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, scale := Letterbox(white, tt.crop, image.Pt(80, 80), tt.centred)
			if scale != tt.scale {
				t.Errorf("the scale is %v, want %v", scale, tt.scale)
			}
			for y := range 80 {
				for x := range 80 {
					if bright := got.RGBAAt(x, y).G > 127; bright != image.Pt(x, y).In(tt.white) {
						t.Fatalf("(%d,%d) is white: %v", x, y, bright)
					}
				}
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(read(f, "chelsea.jpg")[:2000])
	f.Add(withOrientation(read(f, "chelsea.jpg")[:600], 6, binary.LittleEndian))
	f.Add(pngHeader(16, 16))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"))
	for _, file := range phototest.Files(f, quarters()) {
		f.Add(file)
	}
	for _, name := range append(progressive, webP) {
		f.Add(read(f, name))
	}
	f.Add(phototest.WithAlpha(read(f, webP), 100, 60, false, make([]byte, 100*60)))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Large pictures only slow the fuzzer down.
		if size, err := readSize(repair(data)); err != nil || size.X*size.Y > 1<<20 {
			return
		}
		p, err := Decode(data)
		if err != nil {
			return
		}
		size := p.Pixels.Rect
		if size.Min != (image.Point{}) || size.Empty() || max(size.Dx(), size.Dy()) > maxSide || p.Width < size.Dx() || p.Height < size.Dy() {
			t.Errorf("%d×%d became %v", p.Width, p.Height, size)
		}
	})
}
