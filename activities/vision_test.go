package activities

import (
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

func TestParseFeatures(t *testing.T) {
	for _, tt := range []struct {
		name, list string
		want       []visionpb.Feature_Type
	}{
		{"nothing_is_the_default", "", []visionpb.Feature_Type{
			visionpb.Feature_LABEL_DETECTION, visionpb.Feature_FACE_DETECTION, visionpb.Feature_LANDMARK_DETECTION,
			visionpb.Feature_LOGO_DETECTION, visionpb.Feature_IMAGE_PROPERTIES, visionpb.Feature_OBJECT_LOCALIZATION,
			visionpb.Feature_SAFE_SEARCH_DETECTION,
		}},
		{"one_is_one", "FACE_DETECTION", []visionpb.Feature_Type{visionpb.Feature_FACE_DETECTION}},
		{"their_order_is_kept_and_spaces_are_not", " TEXT_DETECTION , FACE_DETECTION\n",
			[]visionpb.Feature_Type{visionpb.Feature_TEXT_DETECTION, visionpb.Feature_FACE_DETECTION}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			features, err := ParseFeatures(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []visionpb.Feature_Type
			for _, f := range features {
				got = append(got, f.Type)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	for name, list := range map[string]string{
		"an_unknown_one":      "FACE_DETECTION,MOOD_DETECTION",
		"lower_case":          "face_detection",
		"none_by_its_name":    "TYPE_UNSPECIFIED",
		"a_comma_at_the_end":  "FACE_DETECTION,",
		"nothing_but_a_space": " ",
		"a_number":            "1",
		"one_named_twice":     "FACE_DETECTION,TEXT_DETECTION, FACE_DETECTION",
	} {
		t.Run(name+"_is_refused_by_the_setting's_name", func(t *testing.T) {
			features, err := ParseFeatures(list)
			if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_FEATURES") {
				t.Errorf("%v, %v", features, err)
			}
		})
	}
}
