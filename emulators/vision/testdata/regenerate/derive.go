package main

import (
	"image"
	"image/color"
	"image/draw"

	xdraw "golang.org/x/image/draw"
)

// derive writes the pictures that are made from others.
func derive(pictures map[string]image.Image) {
	astronaut, cameraman := pictures["astronaut"], pictures["cameraman"]
	webcam, coffee := pictures["webcam"], pictures["coffee"]
	pictures["people"] = composed(
		part{astronaut, image.Rect(60, 0, 364, 512), image.Rect(0, 0, 427, 720)},
		part{webcam, image.Rect(212, 0, 497, 480), image.Rect(427, 0, 854, 720)},
		part{cameraman, image.Rect(0, 0, 304, 512), image.Rect(854, 0, 1280, 720)},
	)
	pictures["desk"] = composed(
		part{webcam, image.Rect(0, 60, 640, 420), image.Rect(0, 0, 1280, 720)},
		part{coffee, image.Rect(110, 0, 500, 300), image.Rect(0, 360, 468, 720)},
	)
	pictures["dark"] = darker(astronaut, 8)
	pictures["rotated"] = anticlockwise(astronaut)
}

// part is a rectangle of a source picture and its position in the composed picture.
type part struct {
	of       image.Image
	cut, put image.Rectangle
}

// composed has the size of a webcam picture.
func composed(parts ...part) image.Image {
	whole := image.NewRGBA(image.Rect(0, 0, 1280, 720))
	for _, p := range parts {
		xdraw.CatmullRom.Scale(whole, p.put, p.of, p.cut, draw.Src, nil)
	}
	return whole
}

// darker divides the brightness of a picture.
func darker(from image.Image, part uint8) image.Image {
	to := image.NewRGBA(from.Bounds())
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			c := color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)
			to.SetRGBA(x, y, color.RGBA{c.R / part, c.G / part, c.B / part, 255})
		}
	}
	return to
}

// anticlockwise rotates a square picture as a camera held upright stores it.
func anticlockwise(from image.Image) image.Image {
	side := from.Bounds().Dx()
	to := image.NewRGBA(from.Bounds())
	for y := range side {
		for x := range side {
			to.Set(y, side-1-x, from.At(x, y))
		}
	}
	return to
}

// lyingOnItsSide inserts an Exif segment with orientation 6 (rotate clockwise to display) into a JPEG.
func lyingOnItsSide(data []byte) []byte {
	const exif = "\xff\xe1\x00\x22Exif\x00\x00" + "MM\x00\x2a\x00\x00\x00\x08" + "\x00\x01" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + "\x00\x00\x00\x00"
	const start = 2 // bytes: FF D8
	return append(append(append([]byte{}, data[:start]...), exif...), data[start:]...)
}
