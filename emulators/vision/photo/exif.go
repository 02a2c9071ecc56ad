package photo

import (
	"bytes"
	"encoding/binary"
	"image"
)

// turn is an Exif orientation, 1 (upright) to 8 (CIPA DC-008, tag 0x0112).
type turn uint16

const upright turn = 1

// orientation reads a JPEG's Exif tag; whatever is missing, damaged or of another format is upright.
// PNG and WebP can carry the tag too, but cameras do not write those.
func orientation(data []byte) turn {
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return upright
	}
	for data = data[2:]; len(data) >= 4 && data[0] == 0xff; {
		if data[1] == 0xff { // a fill byte before a marker
			data = data[1:]
			continue
		}
		marker, length := data[1], int(binary.BigEndian.Uint16(data[2:]))
		if marker == 0xda || length < 2 || len(data) < 2+length { // the pixels begin, or nonsense
			return upright
		}
		if tiff, ok := bytes.CutPrefix(data[4:2+length], []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return tiffOrientation(tiff)
		}
		data = data[2+length:]
	}
	return upright
}

// tiffOrientation looks through the first directory of the TIFF block that Exif is.
func tiffOrientation(tiff []byte) turn {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 || order.Uint16(tiff[2:]) != 42 {
		return upright
	}
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return upright
	}
	directory := tiff[start:]
	const entry = 12
	for range order.Uint16(directory) {
		if len(directory) < 2+entry {
			return upright
		}
		tag, kind, value := order.Uint16(directory[2:]), order.Uint16(directory[4:]), turn(order.Uint16(directory[10:]))
		if tag == 0x0112 && kind == 3 && value >= 1 && value <= 8 {
			return value
		}
		directory = directory[entry:]
	}
	return upright
}

// swapsSides says that upright the picture's width is what its height was.
func (t turn) swapsSides() bool { return t >= 5 }

// apply makes the picture upright.
func (t turn) apply(from *image.RGBA) *image.RGBA {
	if t == upright {
		return from
	}
	width, height := from.Rect.Dx(), from.Rect.Dy()
	size := image.Rect(0, 0, width, height)
	if t.swapsSides() {
		size = image.Rect(0, 0, height, width)
	}
	to := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			fromX, fromY := t.source(x, y, width-1, height-1)
			copy(to.Pix[to.PixOffset(x, y):][:4], from.Pix[from.PixOffset(fromX, fromY):])
		}
	}
	return to
}

// source is where the pixel that is seen at x, y is stored; right and bottom are the last stored column and row.
func (t turn) source(x, y, right, bottom int) (int, int) {
	switch t {
	case 2: // mirrored
		return right - x, y
	case 3: // upside down
		return right - x, bottom - y
	case 4: // upside down and mirrored
		return x, bottom - y
	case 5: // mirrored along the diagonal
		return y, x
	case 6: // to be turned clockwise
		return y, bottom - x
	case 7: // mirrored along the other diagonal
		return right - y, bottom - x
	case 8: // to be turned anticlockwise
		return right - y, x
	default:
		return x, y
	}
}
