// Package faces finds the faces in a picture, 68 landmarks of each face, and its expression. It runs three small networks
// of face-api (see weights/NOTICE) on the CPU. It does not recognise people and stores nothing. Faces seen from the side
// are often missed.
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

// Point is a position in pixels.
type Point struct{ X, Y float64 }

// Face is one detected face.
type Face struct {
	Box         Box     // brow to chin, as detected; may extend beyond the picture
	Score       float64 // of the detector, 0 to 1
	Landmarks   Landmarks
	Agreement   float64 // of the landmarks with those of the mirrored face, 0 to 1
	Expressions Expressions
}

// Finder holds the three networks. It is safe for concurrent use.
type Finder struct {
	detector    detector
	landmarks   landmarkNetwork
	expressions expressionNetwork
}

// Load decodes the embedded networks, which takes a few milliseconds.
func Load() (*Finder, error) {
	d, errD := weights.Model(weights.FaceDetector)
	l, errL := weights.Model(weights.FaceLandmarks)
	e, errE := weights.Model(weights.FaceExpression)
	if err := errors.Join(errD, errL, errE); err != nil {
		return nil, err
	}
	f := &Finder{newDetector(d), newLandmarkNetwork(l), newExpressionNetwork(e)}
	return f, errors.Join(d.Err(), l.Err(), e.Err())
}

// Find returns at most limit faces, highest score first. After each face, it checks whether the context has ended.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, limit int) ([]Face, error) {
	found := f.detector.detect(picture)
	found = found[:min(len(found), limit)]
	for i := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		face := &found[i]
		face.Landmarks, face.Agreement = f.landmarks.locate(picture, face.Box)
		face.Expressions = f.expressions.estimate(picture, face.Landmarks.Bounds().grow(0.1))
	}
	return found, nil
}

// grow moves each side outward by a fraction of the width or height.
func (b Box) grow(fraction float64) Box {
	dx, dy := fraction*(b.Right-b.Left), fraction*(b.Bottom-b.Top)
	return Box{b.Left - dx, b.Top - dy, b.Right + dx, b.Bottom + dy}
}

// pixels returns the part of the box that is inside the picture, in whole pixels.
func (b Box) pixels(picture *image.RGBA) image.Rectangle {
	return image.Rect(int(b.Left), int(b.Top), int(b.Right), int(b.Bottom)).Intersect(picture.Rect)
}

// overlap returns the intersection of the two boxes divided by their union.
func (b Box) overlap(c Box) float64 {
	width := min(b.Right, c.Right) - max(b.Left, c.Left)
	height := min(b.Bottom, c.Bottom) - max(b.Top, c.Top)
	if width <= 0 || height <= 0 {
		return 0
	}
	intersection := width * height
	return intersection / (b.area() + c.area() - intersection)
}

func (b Box) area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }

// crop returns the input of the landmark and expression networks, which is the box centred in a black square, and its
// scale.
func crop(picture *image.RGBA, box Box) (*image.RGBA, float64) {
	return photo.Letterbox(picture, box.pixels(picture), image.Pt(cropSize, cropSize), true)
}

const cropSize = 112
