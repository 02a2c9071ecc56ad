package annotator

import (
	"math"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/genproto/googleapis/type/color"

	"triptych/emulators/vision/colours"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/labels"
	"triptych/emulators/vision/objects"
	"triptych/emulators/vision/photo"
)

var landmarks = []struct {
	kind   visionpb.FaceAnnotation_Landmark_Type
	points []int
}{
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE, []int{36, 37, 38, 39, 40, 41}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE, []int{42, 43, 44, 45, 46, 47}},
	{visionpb.FaceAnnotation_Landmark_LEFT_OF_LEFT_EYEBROW, []int{17}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_OF_LEFT_EYEBROW, []int{21}},
	{visionpb.FaceAnnotation_Landmark_LEFT_OF_RIGHT_EYEBROW, []int{22}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_OF_RIGHT_EYEBROW, []int{26}},
	{visionpb.FaceAnnotation_Landmark_MIDPOINT_BETWEEN_EYES, []int{39, 42}},
	{visionpb.FaceAnnotation_Landmark_NOSE_TIP, []int{30}},
	{visionpb.FaceAnnotation_Landmark_UPPER_LIP, []int{51, 62}},
	{visionpb.FaceAnnotation_Landmark_LOWER_LIP, []int{57, 66}},
	{visionpb.FaceAnnotation_Landmark_MOUTH_LEFT, []int{48}},
	{visionpb.FaceAnnotation_Landmark_MOUTH_RIGHT, []int{54}},
	{visionpb.FaceAnnotation_Landmark_MOUTH_CENTER, []int{62, 66}},
	{visionpb.FaceAnnotation_Landmark_NOSE_BOTTOM_RIGHT, []int{35}},
	{visionpb.FaceAnnotation_Landmark_NOSE_BOTTOM_LEFT, []int{31}},
	{visionpb.FaceAnnotation_Landmark_NOSE_BOTTOM_CENTER, []int{33}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE_TOP_BOUNDARY, []int{37, 38}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE_RIGHT_CORNER, []int{39}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE_BOTTOM_BOUNDARY, []int{40, 41}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE_LEFT_CORNER, []int{36}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE_TOP_BOUNDARY, []int{43, 44}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE_RIGHT_CORNER, []int{45}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE_BOTTOM_BOUNDARY, []int{46, 47}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE_LEFT_CORNER, []int{42}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYEBROW_UPPER_MIDPOINT, []int{19}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYEBROW_UPPER_MIDPOINT, []int{24}},
	{visionpb.FaceAnnotation_Landmark_LEFT_EYE_PUPIL, []int{36, 37, 38, 39, 40, 41}},
	{visionpb.FaceAnnotation_Landmark_RIGHT_EYE_PUPIL, []int{42, 43, 44, 45, 46, 47}},
	{visionpb.FaceAnnotation_Landmark_FOREHEAD_GLABELLA, []int{21, 22}},
	{visionpb.FaceAnnotation_Landmark_CHIN_GNATHION, []int{8}},
	{visionpb.FaceAnnotation_Landmark_CHIN_LEFT_GONION, []int{4}},
	{visionpb.FaceAnnotation_Landmark_CHIN_RIGHT_GONION, []int{12}},
}

func faceAnnotation(p *photo.Photo, f faces.Face) *visionpb.FaceAnnotation {
	annotation := &visionpb.FaceAnnotation{
		BoundingPoly:          polygon(p, f.Box),
		FdBoundingPoly:        polygon(p, f.Landmarks.Bounds()),
		RollAngle:             float32(f.Landmarks.Roll()),
		DetectionConfidence:   float32(f.Score),
		LandmarkingConfidence: float32(f.Agreement),
		JoyLikelihood:         likelihood(f.Expressions.Happy),
		SorrowLikelihood:      likelihood(f.Expressions.Sad),
		AngerLikelihood:       likelihood(f.Expressions.Angry),
		SurpriseLikelihood:    likelihood(f.Expressions.Surprised),
	}
	for _, l := range landmarks {
		at := inOriginal(p, f.Landmarks.Mean(l.points...))
		annotation.Landmarks = append(annotation.Landmarks, &visionpb.FaceAnnotation_Landmark{
			Type:     l.kind,
			Position: &visionpb.Position{X: float32(at.X), Y: float32(at.Y)},
		})
	}
	return annotation
}

func inOriginal(p *photo.Photo, at faces.Point) faces.Point {
	return faces.Point{X: at.X * float64(p.Scale), Y: at.Y * float64(p.Scale)}
}

func polygon(p *photo.Photo, b faces.Box) *visionpb.BoundingPoly {
	vertex := func(x, y float64) *visionpb.Vertex {
		at := inOriginal(p, faces.Point{X: x, Y: y})
		return &visionpb.Vertex{X: nearestPixel(at.X, p.Width), Y: nearestPixel(at.Y, p.Height)}
	}
	return &visionpb.BoundingPoly{Vertices: []*visionpb.Vertex{
		vertex(b.Left, b.Top), vertex(b.Right, b.Top), vertex(b.Right, b.Bottom), vertex(b.Left, b.Bottom),
	}}
}

func nearestPixel(v float64, length int) int32 {
	return int32(math.Round(min(max(v, 0), float64(length-1))))
}

// These thresholds are ours, because Google publishes none.
func likelihood(p float64) visionpb.Likelihood {
	switch {
	case p < 0.05:
		return visionpb.Likelihood_VERY_UNLIKELY
	case p < 0.25:
		return visionpb.Likelihood_UNLIKELY
	case p < 0.5:
		return visionpb.Likelihood_POSSIBLE
	case p < 0.8:
		return visionpb.Likelihood_LIKELY
	default:
		return visionpb.Likelihood_VERY_LIKELY
	}
}

// objectAnnotation leaves Mid empty, because Mid is an ID in Google's Knowledge Graph.
func objectAnnotation(o objects.Object) *visionpb.LocalizedObjectAnnotation {
	vertex := func(x, y float64) *visionpb.NormalizedVertex {
		return &visionpb.NormalizedVertex{X: float32(x), Y: float32(y)}
	}
	return &visionpb.LocalizedObjectAnnotation{
		Name:  o.Name,
		Score: float32(o.Score),
		BoundingPoly: &visionpb.BoundingPoly{NormalizedVertices: []*visionpb.NormalizedVertex{
			vertex(o.Box.Left, o.Box.Top), vertex(o.Box.Right, o.Box.Top), vertex(o.Box.Right, o.Box.Bottom), vertex(o.Box.Left, o.Box.Bottom),
		}},
	}
}

func labelAnnotation(l labels.Label) *visionpb.EntityAnnotation {
	return &visionpb.EntityAnnotation{Description: l.Name, Score: float32(l.Score), Topicality: float32(l.Score)}
}

func imageProperties(found []colours.Colour) *visionpb.ImageProperties {
	dominant := &visionpb.DominantColorsAnnotation{}
	for _, c := range found {
		dominant.Colors = append(dominant.Colors, &visionpb.ColorInfo{
			Color:         &color.Color{Red: float32(c.Red), Green: float32(c.Green), Blue: float32(c.Blue)},
			Score:         float32(c.Score),
			PixelFraction: float32(c.Fraction),
		})
	}
	return &visionpb.ImageProperties{DominantColors: dominant}
}
