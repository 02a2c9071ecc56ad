package annotator_test

import (
	"runtime/metrics"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// BenchmarkAnnotate is a webcam's picture, 1280 × 720 with a face and a cup, from the client and back. MB is all the memory
// that Go holds afterwards: code aside, the process.
func BenchmarkAnnotate(b *testing.B) {
	for name, wanted := range map[string][]*visionpb.Feature{
		"faces":             face,
		"objects":           features(visionpb.Feature_OBJECT_LOCALIZATION),
		"colours":           colour,
		"faces_and_objects": features(visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION),
		"everything":        everything,
	} {
		b.Run(name, func(b *testing.B) {
			_, client := serve(b)
			image := photograph(b, "desk.jpg")
			one(b, client, image, wanted) // loads the networks
			b.ReportAllocs()
			for b.Loop() {
				if response := one(b, client, image, wanted); response.Error != nil {
					b.Fatal(response.Error)
				}
			}
			held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
			metrics.Read(held)
			b.ReportMetric(float64(held[0].Value.Uint64()-held[1].Value.Uint64())/1e6, "MB")
		})
	}
}
