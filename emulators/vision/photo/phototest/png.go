package phototest

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"slices"
	"testing"
)

const (
	startOfPNG = 8 + 25 // bytes of the signature and of IHDR
	endOfPNG   = 12     // bytes of IEND
)

func pngs(t testing.TB, picture image.Image) map[string][]byte {
	t.Helper()
	file := encodePNG(t, picture)
	start, pixels, end := file[:startOfPNG], file[startOfPNG:len(file)-endOfPNG], file[len(file)-endOfPNG:]
	damaged := func(name, body string) []byte {
		chunk := Chunk(name, []byte(body))
		chunk[len(chunk)-1]++ // in the checksum
		return chunk
	}
	stream := PixelStream(t, file)
	scanlines := Decompress(t, stream)
	wrongAdler := bytes.Clone(stream)
	wrongAdler[len(wrongAdler)-1]++
	return map[string][]byte{
		"PNG_with_wrong_checksum_of_iCCP":       slices.Concat(start, damaged("iCCP", "profile\x00\x00"), pixels, end),
		"PNG_with_wrong_checksum_after_pixels":  slices.Concat(start, pixels, damaged("tEXt", "Comment\x00"), end),
		"PNG_with_wrong_Adler_checksum":         WithPixelStream(file, wrongAdler),
		"PNG_with_more_pixels_than_its_size":    WithPixelStream(file, Compress(t, append(scanlines, "surplus"...))),
		"PNG_with_data_after_compressed_pixels": WithPixelStream(file, append(bytes.Clone(stream), "surplus"...)),
		"PNG_with_wrong_Adler_and_zeros_after":  append(WithPixelStream(file, wrongAdler), make([]byte, 100)...),
		"PNG_with_Exif_orientation":             sideways(t, picture),
		"PNG_with_tRNS_of_wrong_length":         slices.Concat(start, Chunk("tRNS", []byte{0, 0}), pixels, end),
		"PNG_with_palette_of_wrong_length":      slices.Concat(start, Chunk("PLTE", make([]byte, 4)), pixels, end),
	}
}

func encodePNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	return encode(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) })
}

// PNG returns a file with one row of pixels and with `chunks` before them.
func PNG(t testing.TB, width int, depth, colourType byte, row []byte, chunks ...[]byte) []byte {
	t.Helper()
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = append(binary.BigEndian.AppendUint32(header, 1), depth, colourType, 0, 0, 0)
	noFilter := []byte{0}
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), Chunk("IHDR", header), slices.Concat(chunks...),
		Chunk("IDAT", Compress(t, append(noFilter, row...))), Chunk("IEND", nil))
}

// sideways stores the picture rotated, with the Exif orientation 6.
func sideways(t testing.TB, picture image.Image) []byte {
	t.Helper()
	size := picture.Bounds().Size()
	stored := image.NewNRGBA(image.Rect(0, 0, size.Y, size.X))
	for y := range size.Y {
		for x := range size.X {
			stored.Set(y, size.X-1-x, picture.At(picture.Bounds().Min.X+x, picture.Bounds().Min.Y+y))
		}
	}
	file := encodePNG(t, stored)
	exif := []byte("MM\x00\x2a\x00\x00\x00\x08" + "\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + "\x00\x00\x00\x00")
	return slices.Concat(file[:startOfPNG], Chunk("eXIf", exif), file[startOfPNG:])
}

// Chunk returns a chunk of a PNG file.
func Chunk(name string, body []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// PixelStream returns the zlib stream of a PNG file that contains only the chunks IHDR, IDAT and IEND.
func PixelStream(t testing.TB, file []byte) []byte {
	t.Helper()
	var stream []byte
	for rest := file[startOfPNG : len(file)-endOfPNG]; len(rest) > 0; {
		size := binary.BigEndian.Uint32(rest)
		stream = append(stream, rest[8:8+size]...)
		rest = rest[12+size:]
	}
	return stream
}

// WithPixelStream replaces the zlib stream of such a file.
func WithPixelStream(file, stream []byte) []byte {
	return slices.Concat(file[:startOfPNG], Chunk("IDAT", stream), file[len(file)-endOfPNG:])
}

// Compress returns a zlib stream.
func Compress(t testing.TB, data []byte) []byte {
	t.Helper()
	return encode(t, func(b *bytes.Buffer) error {
		w := zlib.NewWriter(b)
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	})
}

// Decompress returns the content of a zlib stream.
func Decompress(t testing.TB, stream []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
