package phototest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"testing"
)

func gifs(t testing.TB, picture image.Image) map[string][]byte {
	t.Helper()
	indexed := paletted(picture)
	file := encode(t, func(b *bytes.Buffer) error { return gif.Encode(b, indexed, nil) })
	size := indexed.Rect.Max
	surplus := GIF{Size: size, Palette: indexed.Palette, Pixels: append(bytes.Clone(indexed.Pix), make([]byte, 5000)...)}
	unknown := GIF{Size: size, Palette: indexed.Palette, Extensions: []byte("\x21\x42\x07unknown\x00"), Pixels: indexed.Pix}
	return map[string][]byte{
		"GIF_with_frame_larger_than_screen":  WithScreen(file, size.X/2, size.Y/2),
		"GIF_with_screen_of_no_size":         WithScreen(file, 0, 0),
		"GIF_with_more_pixels_than_its_size": surplus.Encode(t),
		"GIF_with_unknown_extension":         unknown.Encode(t),
	}
}

// WithScreen changes the logical screen of a GIF file.
func WithScreen(file []byte, width, height int) []byte {
	file = bytes.Clone(file)
	binary.LittleEndian.PutUint16(file[6:], uint16(width))
	binary.LittleEndian.PutUint16(file[8:], uint16(height))
	return file
}

func bmps(_ testing.TB, picture image.Image) map[string][]byte {
	return map[string][]byte{
		"BMP_with_run_lengths": RunLengthBMP(picture),
		"BMP_with_565_bits":    bitFieldsBMP(picture, 0xf800, 0x07e0, 0x001f),
		"BMP_with_444_bits":    bitFieldsBMP(picture, 0x000f, 0x00f0, 0x0f00),
	}
}

// RunLengthBMP returns a file with RLE8 compression.
func RunLengthBMP(picture image.Image) []byte {
	indexed := paletted(picture)
	var colours, pixels []byte
	for _, c := range indexed.Palette {
		c := color.RGBAModel.Convert(c).(color.RGBA)
		colours = append(colours, c.B, c.G, c.R, 0)
	}
	for y := indexed.Rect.Dy() - 1; y >= 0; y-- {
		for row := indexed.Pix[y*indexed.Stride:][:indexed.Rect.Dx()]; len(row) > 0; {
			n := 1
			for n < min(len(row), 255) && row[n] == row[0] {
				n++
			}
			pixels = append(pixels, byte(n), row[0])
			row = row[n:]
		}
		pixels = append(pixels, 0, 0) // end of the row
	}
	const rle8 = 1
	return bmp(indexed.Rect.Size(), 8, rle8, colours, append(pixels, 0, 1))
}

func bitFieldsBMP(picture image.Image, red, green, blue uint32) []byte {
	var masks, pixels []byte
	for _, mask := range []uint32{red, green, blue} {
		masks = binary.LittleEndian.AppendUint32(masks, mask)
	}
	bounds := picture.Bounds()
	for y := bounds.Max.Y - 1; y >= bounds.Min.Y; y-- {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			var pixel uint32
			r, g, b, _ := picture.At(x, y).RGBA()
			for i, mask := range []uint32{red, green, blue} {
				pixel |= []uint32{r, g, b}[i] * mask / 0xffff & mask
			}
			pixels = binary.LittleEndian.AppendUint16(pixels, uint16(pixel))
		}
		if bounds.Dx()%2 == 1 {
			pixels = append(pixels, 0, 0)
		}
	}
	const bitFields = 3
	return bmp(bounds.Size(), 16, bitFields, masks, pixels)
}

func bmp(size image.Point, bits, compression uint32, between, pixels []byte) []byte {
	const headers = 54
	out := []byte("BM")
	for _, field := range []uint32{
		uint32(headers + len(between) + len(pixels)), 0, uint32(headers + len(between)), // file header
		40, uint32(size.X), uint32(size.Y), bits<<16 | 1, compression, uint32(len(pixels)), 0, 0, uint32(len(between) / 4), 0,
	} {
		out = binary.LittleEndian.AppendUint32(out, field)
	}
	return append(append(out, between...), pixels...)
}

func paletted(picture image.Image) *image.Paletted {
	size := picture.Bounds().Size()
	indexed := image.NewPaletted(image.Rectangle{Max: size}, palette.WebSafe)
	draw.Draw(indexed, indexed.Rect, picture, picture.Bounds().Min, draw.Src)
	return indexed
}
