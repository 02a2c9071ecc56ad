// Package photo decodes pictures, makes them upright and shrinks them for the neural networks.
package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats of Decode
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

const MaxPixels = 75_000_000 // Cloud Vision's limit

const maxSide = 1280

// The errors of Decode.
var (
	ErrBad      = errors.New("the picture cannot be decoded")
	ErrTooLarge = fmt.Errorf("the picture has more than %d pixels", MaxPixels)
)

// Photo is a decoded picture.
type Photo struct {
	Width, Height int         // of the original, upright
	Scale         int         // width of a pixel of Pixels, in pixels of the original
	Pixels        *image.RGBA // upright, opaque, starts at (0,0), no side longer than 1,280
}

// Decode supports JPEG, PNG, BMP, WebP without animation, and the first frame of a GIF. Transparent pixels become
// white.
func Decode(data []byte) (*Photo, error) {
	orientation := readOrientation(data)
	data = repair(data)
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return nil, ErrBad
	}
	if config.Width > MaxPixels/config.Height {
		return nil, ErrTooLarge
	}
	decoded, err := decode(data)
	if err != nil || decoded.Bounds().Empty() {
		return nil, ErrBad
	}
	canvas := image.Rect(0, 0, config.Width, config.Height) // the first frame of a GIF may cover only a part of it
	scale := (max(config.Width, config.Height) + maxSide - 1) / maxSide
	size := canvas.Max
	if orientation.swapsSides() {
		size.X, size.Y = size.Y, size.X
	}
	return &Photo{size.X, size.Y, scale, orientation.apply(shrink(decoded, canvas, scale))}, nil
}

// repair changes files that browsers display and the decoders of Go refuse.
func repair(data []byte) []byte {
	if isPNG(data) {
		return withoutMetadata(data)
	}
	return data
}

func decode(data []byte) (image.Image, error) {
	decoded, _, err := image.Decode(bytes.NewReader(data))
	if err != nil && isPNG(data) {
		return decodePNG(data)
	}
	return decoded, err
}

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(pngSignature)) }
