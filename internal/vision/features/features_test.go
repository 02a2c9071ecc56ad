package features

import (
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		want []visionpb.Feature_Type
	}{
		"empty_list_is_the_default": {"", []visionpb.Feature_Type{
			visionpb.Feature_LABEL_DETECTION, visionpb.Feature_FACE_DETECTION, visionpb.Feature_LANDMARK_DETECTION,
			visionpb.Feature_LOGO_DETECTION, visionpb.Feature_IMAGE_PROPERTIES, visionpb.Feature_OBJECT_LOCALIZATION,
			visionpb.Feature_SAFE_SEARCH_DETECTION,
		}},
		"single_feature": {"FACE_DETECTION", []visionpb.Feature_Type{visionpb.Feature_FACE_DETECTION}},
		"order_is_kept_and_spaces_are_trimmed": {" TEXT_DETECTION , FACE_DETECTION\n",
			[]visionpb.Feature_Type{visionpb.Feature_TEXT_DETECTION, visionpb.Feature_FACE_DETECTION}},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := Parse(c.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []visionpb.Feature_Type
			for _, f := range parsed {
				got = append(got, f.Type)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	for name, list := range map[string]string{
		"unknown_feature":     "FACE_DETECTION,MOOD_DETECTION",
		"lower_case":          "face_detection",
		"unspecified_feature": "TYPE_UNSPECIFIED",
		"trailing_comma":      "FACE_DETECTION,",
		"only_a_space":        " ",
		"number":              "1",
		"duplicate":           "FACE_DETECTION,TEXT_DETECTION, FACE_DETECTION",
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			parsed, err := Parse(list)
			if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_FEATURES") {
				t.Errorf("got %v, %v, want an error that names TRIPTYCH_FEATURES", parsed, err)
			}
		})
	}
}
