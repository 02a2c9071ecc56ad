package annotator

import (
	"image"
	"image/color"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

func TestCacheDetections(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s.CacheDetections()
	limits := resultLimits{visionpb.Feature_FACE_DETECTION: 10, visionpb.Feature_OBJECT_LOCALIZATION: 10}
	if _, err := s.detect(t.Context(), blank(64, 48), limits); err != nil {
		t.Fatal(err)
	}
	s.faces, s.objects = nil, nil // detection fails from here on
	changed := blank(64, 48)
	changed.Set(1, 1, color.White)
	for name, test := range map[string]struct {
		picture *image.RGBA
		limits  resultLimits
		cached  bool
	}{
		"same_pixels_are_analysed_once":     {blank(64, 48), limits, true},
		"other_pixel_is_analysed":           {changed, limits, false},
		"other_shape_is_analysed":           {blank(48, 64), limits, false},
		"other_number_of_faces_is_analysed": {blank(64, 48), resultLimits{visionpb.Feature_FACE_DETECTION: 9, visionpb.Feature_OBJECT_LOCALIZATION: 10}, false},
		"missing_feature_is_analysed":       {blank(64, 48), resultLimits{visionpb.Feature_FACE_DETECTION: 10}, false},
		"labels_need_all_faces_and_objects": {blank(64, 48), resultLimits{visionpb.Feature_LABEL_DETECTION: 10}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.detect(t.Context(), test.picture, test.limits); (err == nil) != test.cached {
				t.Errorf("got error %v, want cached: %t", err, test.cached)
			}
		})
	}
}

func blank(width, height int) *image.RGBA { return image.NewRGBA(image.Rect(0, 0, width, height)) }
