// Package photo decodes pictures, makes them upright and shrinks them for the neural networks.
package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the formats of image.Decode
	_ "image/png"

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
	size, err := readSize(data)
	if err != nil || size.X <= 0 || size.Y <= 0 {
		return nil, ErrBad
	}
	if size.X > MaxPixels/size.Y {
		return nil, ErrTooLarge
	}
	decoded, err := decode(data, size)
	if err != nil || decoded.Bounds().Empty() {
		return nil, ErrBad
	}
	canvas := image.Rectangle{Max: size} // the first frame of a GIF may cover only a part of it
	scale := (max(size.X, size.Y) + maxSide - 1) / maxSide
	if orientation.swapsSides() {
		size.X, size.Y = size.Y, size.X
	}
	return &Photo{size.X, size.Y, scale, orientation.apply(shrink(decoded, canvas, scale))}, nil
}

// repair makes files that browsers display acceptable to the decoders of Go.
func repair(data []byte) []byte {
	switch {
	case isPNG(data):
		return repairPNG(data)
	case isWebP(data):
		return withAlphaFlag(data)
	}
	return data
}

func readSize(data []byte) (image.Point, error) {
	if isBMP(data) {
		return bmpSize(data)
	}
	if isGIF(data) {
		frame, err := readGIF(data)
		if err != nil {
			return image.Point{}, err
		}
		return frame.screen, nil
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil && isJPEG(data) {
		return jpegSize(data)
	}
	return image.Pt(config.Width, config.Height), err
}

func decode(data []byte, size image.Point) (image.Image, error) {
	if isBMP(data) {
		return decodeBMP(data)
	}
	if isGIF(data) {
		return decodeGIF(data)
	}
	if isJPEG(data) {
		supported, err := checkSegments(data)
		if err != nil {
			return nil, err
		}
		if !supported {
			return decodeJPEG(data, size)
		}
	}
	decoded, _, err := image.Decode(bytes.NewReader(data))
	switch {
	case err != nil && isPNG(data):
		return decodePNG(data)
	case err != nil && isJPEG(data):
		return decodeJPEG(data, size)
	}
	return decoded, err
}

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(pngSignature)) }
