package activities

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/picture"
)

func BenchmarkEncode(b *testing.B) {
	key, err := picture.NewID(time.Now(), rand.Text()).Key("image/jpeg")
	if err != nil {
		b.Fatal(err)
	}
	p, err := picture.New("bucket", key, "v1", "d41d8cd98f00b204e9800998ecf8427e", 345_678, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	image := twoFaces()
	b.ReportAllocs()
	for b.Loop() {
		annotation, err := encodeAnnotation(image, AnnotateInput{Picture: p})
		if err != nil {
			b.Fatal(err)
		}
		item, err := json.Marshal(p.AnnotatedRecord(annotation, time.Now(), nil, "run"))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(item)))
	}
}

func twoFaces() *visionpb.AnnotateImageResponse {
	face := &visionpb.FaceAnnotation{DetectionConfidence: 0.97, JoyLikelihood: visionpb.Likelihood_VERY_LIKELY,
		BoundingPoly: &visionpb.BoundingPoly{Vertices: []*visionpb.Vertex{{X: 163, Y: 76}, {X: 278, Y: 76}, {X: 278, Y: 188}, {X: 163, Y: 188}}}}
	for kind := range 34 {
		face.Landmarks = append(face.Landmarks, &visionpb.FaceAnnotation_Landmark{
			Type: visionpb.FaceAnnotation_Landmark_Type(kind + 1), Position: &visionpb.Position{X: 200.25, Y: 120.5, Z: 0.125}})
	}
	response := &visionpb.AnnotateImageResponse{FaceAnnotations: []*visionpb.FaceAnnotation{face, face}}
	for range 10 {
		response.LabelAnnotations = append(response.LabelAnnotations, &visionpb.EntityAnnotation{Mid: "/m/01g317", Description: "person", Score: 0.93, Topicality: 0.93})
	}
	return response
}
