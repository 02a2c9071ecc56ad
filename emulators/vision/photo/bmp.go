package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

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
		return decoded, nil
	}
	if binary.LittleEndian.Uint32(data[14:]) >= 40 && len(data) >= 50 && binary.LittleEndian.Uint16(data[28:]) > 8 {
		data = bytes.Clone(data)
		clear(data[46:50]) // the number of colours; without a palette it has no meaning, but gobmp refuses large numbers
	}
	from := &endDetector{Reader: bytes.NewReader(data)}
	decoded, err := gobmp.Decode(from)
	if from.reached {
		return nil, ErrBad
	}
	return decoded, err
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
