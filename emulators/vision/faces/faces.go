// Package faces detects faces, landmarks and facial expressions with the neural networks of face-api.
package faces

import (
	"context"
	"errors"
	"image"

	"triptych/emulators/vision/photo"
	"triptych/emulators/vision/ssd"
	"triptych/emulators/vision/weights"
)

// Box is in pixels.
type Box ssd.Box

// Point is a position in pixels.
type Point struct{ X, Y float64 }

type Face struct {
	Box         Box     // contains the landmarks; may extend beyond the picture
	Score       float64 // of the detector, 0 to 1
	Landmarks   Landmarks
	Agreement   float64 // of the landmarks with those of the mirrored face, 0 to 1
	Expressions Expressions
}

// Finder is safe for concurrent use.
type Finder struct {
	detector    detector
	landmarks   landmarkNetwork
	expressions expressionNetwork
}

// Load decodes the embedded networks.
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

// The landmarks of a profile agree little, but the detector is certain. The detector also takes hands and cats for faces,
// with lower scores, and their landmarks do not agree.
const (
	certainScore = 0.95
	minAgreement = 0.5
)

// maxCandidates bounds the time for pictures with much that resembles faces.
const maxCandidates = 200

// Find returns at most `limit` faces, highest score first.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, limit int) ([]Face, error) {
	picture = brightened(picture)
	found := f.detector.detect(picture)
	found = found[:min(len(found), maxCandidates)]
	var kept []Face
	for _, face := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(kept) == limit {
			break
		}
		if face.Box.pixels(picture).Empty() {
			continue // in the black border that the detector adds
		}
		face.Landmarks, face.Agreement = f.landmarks.locate(picture, face.Box)
		if face.Score < certainScore && face.Agreement < minAgreement {
			continue
		}
		// The detector's boxes are narrower than many faces.
		face.Box = face.Box.union(face.Landmarks.Bounds().grown(0.1))
		face.Expressions = f.expressions.estimate(picture, face.Landmarks.Bounds().grown(0.1))
		kept = append(kept, face)
	}
	return kept, nil
}

func (b Box) grown(fraction float64) Box {
	dx, dy := fraction*(b.Right-b.Left), fraction*(b.Bottom-b.Top)
	return Box{b.Left - dx, b.Top - dy, b.Right + dx, b.Bottom + dy}
}

func (b Box) union(c Box) Box {
	return Box{min(b.Left, c.Left), min(b.Top, c.Top), max(b.Right, c.Right), max(b.Bottom, c.Bottom)}
}

func (b Box) overlap(c Box) float64 { return ssd.Box(b).Overlap(ssd.Box(c)) }

func (b Box) pixels(picture *image.RGBA) image.Rectangle {
	return image.Rect(int(b.Left), int(b.Top), int(b.Right), int(b.Bottom)).Intersect(picture.Rect)
}

const cropSize = 112 // pixels, width and height

func crop(picture *image.RGBA, face Box) (square *image.RGBA, scale float64) {
	return photo.Letterbox(picture, face.pixels(picture), image.Pt(cropSize, cropSize), true)
}
