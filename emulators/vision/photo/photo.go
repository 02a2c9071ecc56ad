// Package photo turns the bytes of a picture into pixels that are safe to work on: the size is known
// before anything is decoded, the picture stands as its Exif orientation says, and it is scaled down
// to what analysis needs. It says no to bad bytes with an error and never fetches anything.
package photo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the formats of Decode
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

// MaxPixels is the largest picture Decode takes; Cloud Vision's limit.
const MaxPixels = 75_000_000

// longest is the longest side of the pixels that are kept. The face detector sees 416 of them; landmarks and
// expressions gain from more, up to a point.
const longest = 1280

// The errors of Measure and Decode.
var (
	ErrBad      = errors.New("not a picture that can be decoded")
	ErrTooLarge = fmt.Errorf("more than %d pixels", MaxPixels)
)

// Photo is a picture seen upright.
type Photo struct {
	Width, Height int         // of the original, upright
	Scale         int         // how many pixels of the original a pixel is wide and high
	Pixels        *image.RGBA // upright, opaque, from (0,0), no side longer than 1,280
}

// Measure tells how many pixels decoding would make, from the header alone.
func Measure(data []byte) (pixels int, err error) {
	size, err := measure(data)
	return size.X * size.Y, err
}

func measure(data []byte) (size image.Point, err error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return image.Point{}, ErrBad
	}
	if config.Width > MaxPixels/config.Height {
		return image.Point{}, ErrTooLarge
	}
	return image.Pt(config.Width, config.Height), nil
}

// Decode takes JPEG, PNG, GIF (the first frame, in its place), still WebP and BMP. What is transparent becomes white. It
// ends with the context: a few bytes of a progressive JPEG can make work for all its pixels, again and again.
func Decode(ctx context.Context, data []byte) (*Photo, error) {
	size, err := measure(data)
	if err != nil {
		return nil, err
	}
	decoded, _, err := image.Decode(reader{ctx, bytes.NewReader(data)})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err != nil || decoded.Bounds().Empty() {
		return nil, ErrBad
	}
	// Of a GIF, what is decoded may be only a part of the picture.
	canvas := image.Rectangle{Max: size}
	turn, scale := orientation(data), (max(size.X, size.Y)+longest-1)/longest
	if turn.swapsSides() {
		size.X, size.Y = size.Y, size.X
	}
	return &Photo{size.X, size.Y, scale, turn.apply(shrink(decoded, canvas, scale))}, nil
}

// reader fails once the context has ended. It gives few bytes at a time, so that few are decoded after that.
type reader struct {
	ctx  context.Context
	from *bytes.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p[:min(len(p), 256)])
}
