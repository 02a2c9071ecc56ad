package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// orientation is the value of the Exif tag 0x0112 (CIPA DC-008), from 1 (upright) to 8.
type orientation uint16

const upright orientation = 1

// readOrientation examines only JPEG and PNG files, because cameras do not write WebP.
func readOrientation(data []byte) orientation {
	if isPNG(data) {
		return tiffOrientation(exifOfPNG(data))
	}
	if !isJPEG(data) {
		return upright
	}
	for {
		marker, body, rest := nextSegment(data)
		if marker == 0 || marker == markerSOS {
			return upright
		}
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == markerAPP1 {
			return tiffOrientation(tiff)
		}
		data = rest
	}
}

func tiffOrientation(tiff []byte) orientation {
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
	const size = 12
	entries := tiff[start+2:]
	for range min(int(order.Uint16(tiff[start:])), len(entries)/size) {
		tag, kind, value := order.Uint16(entries), order.Uint16(entries[2:]), orientation(order.Uint16(entries[8:]))
		if tag == 0x0112 && kind == 3 && value >= 1 && value <= 8 {
			return value
		}
		entries = entries[size:]
	}
	return upright
}

func (o orientation) swapsSides() bool { return o >= 5 }

// apply returns the upright picture.
func (o orientation) apply(from *image.RGBA) *image.RGBA {
	if o == upright {
		return from
	}
	width, height := from.Rect.Dx(), from.Rect.Dy()
	w, h := float64(width), float64(height)
	if o.swapsSides() {
		width, height = height, width
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	// The matrices map stored to upright coordinates.
	transform := map[orientation]f64.Aff3{
		2: {-1, 0, w, 0, 1, 0},  // mirrored
		3: {-1, 0, w, 0, -1, h}, // upside down
		4: {1, 0, 0, 0, -1, h},  // upside down and mirrored
		5: {0, 1, 0, 1, 0, 0},   // mirrored along the diagonal
		6: {0, -1, h, 1, 0, 0},  // to be rotated clockwise
		7: {0, -1, h, -1, 0, w}, // mirrored along the other diagonal
		8: {0, 1, 0, -1, 0, w},  // to be rotated anticlockwise
	}[o]
	xdraw.NearestNeighbor.Transform(to, transform, from, from.Rect, draw.Src, nil)
	return to
}
