package annotator_test

import (
	"bytes"
	"image/jpeg"
	"maps"
	"math"
	"slices"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/emulators/vision/photo/phototest"
)

func TestFilesThatBrowsersDisplay(t *testing.T) {
	_, client := serve(t)
	portrait, err := jpeg.Decode(bytes.NewReader(photograph(t, "astronaut.jpg").Content))
	if err != nil {
		t.Fatal(err)
	}
	files := phototest.Files(t, portrait)
	// Made by cwebp 1.2.4 of libwebp from astronaut.jpg, with -q 30.
	webP := photograph(t, "../photo/testdata/astronaut.webp").Content
	files["WebP_with_alpha_flag_without_alpha"] = phototest.WithAlpha(webP, 512, 512, true, nil)
	files["WebP_with_alpha_without_flag"] = phototest.WithAlpha(webP, 512, 512, false, bytes.Repeat([]byte{255}, 512*512))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			got := one(t, client, &visionpb.Image{Content: files[name]}, face)
			if got.Error != nil || len(got.FaceAnnotations) != 1 {
				t.Fatalf("got %d faces, error %v", len(got.FaceAnnotations), got.Error)
			}
			corners := got.FaceAnnotations[0].BoundingPoly.Vertices
			for i, want := range map[int][2]float64{0: {163, 76}, 2: {278, 188}} {
				if math.Hypot(float64(corners[i].X)-want[0], float64(corners[i].Y)-want[1]) > 18 { // a sixth of the face, because the pictures differ
					t.Errorf("corner %d of the face is %v, want %v", i, corners[i], want)
				}
			}
		})
	}
}
