package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"slices"

	"github.com/jsummers/gobmp"
	"golang.org/x/image/bmp"
)

func isBMP(data []byte) bool { return bytes.HasPrefix(data, []byte("BM")) }

// bmpSize also returns sizes that gobmp does not support.
func bmpSize(data []byte) (image.Point, error) {
	if len(data) < 26 {
		return image.Point{}, ErrBad
	}
	const os2 = 12 // bytes of the second header
	if binary.LittleEndian.Uint32(data[14:]) == os2 {
		return image.Pt(int(binary.LittleEndian.Uint16(data[18:])), int(binary.LittleEndian.Uint16(data[20:]))), nil
	}
	width, height := int(int32(binary.LittleEndian.Uint32(data[18:]))), int(int32(binary.LittleEndian.Uint32(data[22:])))
	return image.Pt(width, max(height, -height)), nil // a negative height means that the first row is the top
}

// decodeBMP refuses truncated files. gobmp accepts them if they are compressed. Unlike gobmp, x/image/bmp decodes wide
// pictures and applies the transparency of 32-bit files.
func decodeBMP(data []byte) (image.Image, error) {
	if decoded, err := bmp.Decode(bytes.NewReader(data)); err == nil {
		if pixels, ok := decoded.(*image.NRGBA); ok && !hasAlphaMask(data) {
			for i := 3; i < len(pixels.Pix); i += 4 {
				pixels.Pix[i] = 0xff
			}
		}
		return decoded, nil
	}
	data = repairBMP(data)
	from := &endDetector{Reader: bytes.NewReader(data)}
	decoded, err := gobmp.Decode(from)
	if from.reached {
		return nil, ErrBad
	}
	return decoded, err
}

// hasAlphaMask reports whether Chromium applies the fourth byte of a pixel. x/image/bmp always does if the header has room
// for the mask.
func hasAlphaMask(data []byte) bool {
	const v4 = 108 // bytes of the second header
	return binary.LittleEndian.Uint32(data[14:]) >= v4 && binary.LittleEndian.Uint32(data[66:]) != 0
}

// repairBMP makes files that browsers display acceptable to gobmp.
func repairBMP(data []byte) []byte {
	const fileHeader, infoHeader, os2 = 14, 40, 64 // bytes
	const bitFields, alphaBitFields = 3, 6         // compressions
	if len(data) < fileHeader+infoHeader {
		return data
	}
	header, bits := binary.LittleEndian.Uint32(data[14:]), binary.LittleEndian.Uint16(data[28:])
	switch {
	case header < infoHeader || header == os2 && bits <= 8: // gobmp knows that some OS/2 palettes have 3 bytes per colour
		return data
	case bits <= 8:
		return withFullPalette(data, fileHeader+int64(header), 1<<bits)
	}
	data = bytes.Clone(data)
	clear(data[46:50]) // the number of colours; without a palette it has no meaning, but gobmp refuses large numbers
	if header == infoHeader && binary.LittleEndian.Uint32(data[30:]) == alphaBitFields {
		const withMasks = infoHeader + 16 // size of a header that ends with the masks
		binary.LittleEndian.PutUint32(data[14:], withMasks)
		binary.LittleEndian.PutUint32(data[30:], bitFields)
	}
	return data
}

// withFullPalette adds black for pixels outside the palette, like Chromium. The palette may end early, at the pixels.
func withFullPalette(data []byte, start int64, colours uint32) []byte {
	pixels := int64(binary.LittleEndian.Uint32(data[10:]))
	if pixels < start || pixels > int64(len(data)) {
		return data
	}
	size := 4 * int64(colours)
	used := int64(binary.LittleEndian.Uint32(data[46:]))
	if used == 0 {
		used = int64(colours)
	}
	palette := make([]byte, size)
	copy(palette, data[start:min(pixels, start+4*used)])
	out := slices.Concat(data[:start], palette, data[pixels:])
	binary.LittleEndian.PutUint32(out[10:], uint32(start+size))
	clear(out[46:50]) // all colours
	return out
}

type endDetector struct {
	io.Reader
	reached bool // the decoder wanted to read more than the file contains
}

func (r *endDetector) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.reached = r.reached || err == io.EOF
	return n, err
}
