// Package faces finds the faces in a picture: where they are, 68 points on each, and what they express.
// It runs three small networks of face-api (see weights/NOTICE) on the CPU and keeps nothing of what it
// sees. It never says who somebody is.
package faces

import (
	"context"
	"errors"
	"image"

	"triptych/emulators/vision/photo"
	"triptych/emulators/vision/weights"
)

// Box is a rectangle in pixels.
type Box struct{ Left, Top, Right, Bottom float64 }

// Point is a place in pixels.
type Point struct{ X, Y float64 }

// Face is one face.
type Face struct {
	Box         Box     // brow to chin, as the detector drew it; it may reach over the edge
	Score       float64 // how sure the detector is, 0 to 1
	Landmarks   Landmarks
	Agreement   float64 // how well the landmarks of the mirrored face agree with them, 0 to 1
	Expressions Expressions
}

// Finder holds the three networks. It may be used by many goroutines at once.
type Finder struct {
	detector    detector
	landmarks   landmarker
	expressions expressor
}

// Load decodes the networks, in a few milliseconds.
func Load() (*Finder, error) {
	d, errD := weights.Model(weights.FaceDetector)
	l, errL := weights.Model(weights.FaceLandmarks)
	e, errE := weights.Model(weights.FaceExpression)
	if err := errors.Join(errD, errL, errE); err != nil {
		return nil, err
	}
	f := &Finder{newDetector(d), newLandmarker(l), newExpressor(e)}
	return f, errors.Join(d.Err(), l.Err(), e.Err())
}

// Find returns at most most faces, the surest first. It stops between faces when the context ends.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, most int) ([]Face, error) {
	found := f.detector.detect(picture)
	found = found[:min(len(found), most)]
	for i := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		face := &found[i]
		face.Landmarks, face.Agreement = f.landmarks.locate(picture, face.Box)
		face.Expressions = f.expressions.read(picture, face.Landmarks.Bounds().grow(0.1))
	}
	return found, nil
}

// grow moves each side outward by a share of the width or height.
func (b Box) grow(share float64) Box {
	dx, dy := share*(b.Right-b.Left), share*(b.Bottom-b.Top)
	return Box{b.Left - dx, b.Top - dy, b.Right + dx, b.Bottom + dy}
}

// pixels are the whole pixels of the box that are in the picture.
func (b Box) pixels(picture *image.RGBA) image.Rectangle {
	return image.Rect(int(b.Left), int(b.Top), int(b.Right), int(b.Bottom)).Intersect(picture.Rect)
}

// overlap is the share of the two boxes together that both have.
func (b Box) overlap(c Box) float64 {
	width := min(b.Right, c.Right) - max(b.Left, c.Left)
	height := min(b.Bottom, c.Bottom) - max(b.Top, c.Top)
	if width <= 0 || height <= 0 {
		return 0
	}
	both := width * height
	return both / (b.area() + c.area() - both)
}

func (b Box) area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }

// crop is what the landmark and expression networks look at: the box in the middle of a black square.
func crop(picture *image.RGBA, box Box) (*image.RGBA, float64) {
	return photo.Letterbox(picture, box.pixels(picture), image.Pt(cropSize, cropSize), true)
}

const cropSize = 112
