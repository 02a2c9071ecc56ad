package annotator_test

import (
	"image/color"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

func TestRequestedFeatures(t *testing.T) {
	_, client := serve(t)
	picture := photograph(t, "desk.jpg")
	for kind, found := range map[visionpb.Feature_Type]func(*visionpb.AnnotateImageResponse) int{
		visionpb.Feature_FACE_DETECTION:      func(r *visionpb.AnnotateImageResponse) int { return len(r.FaceAnnotations) },
		visionpb.Feature_OBJECT_LOCALIZATION: func(r *visionpb.AnnotateImageResponse) int { return len(r.LocalizedObjectAnnotations) },
		visionpb.Feature_LABEL_DETECTION:     func(r *visionpb.AnnotateImageResponse) int { return len(r.LabelAnnotations) },
		visionpb.Feature_IMAGE_PROPERTIES: func(r *visionpb.AnnotateImageResponse) int {
			return len(r.GetImagePropertiesAnnotation().GetDominantColors().GetColors())
		},
	} {
		t.Run(kind.String()+"_alone_returns_nothing_else", func(t *testing.T) {
			got := one(t, client, picture, features(kind))
			all := len(got.FaceAnnotations) + len(got.LocalizedObjectAnnotations) + len(got.LabelAnnotations) +
				len(got.GetImagePropertiesAnnotation().GetDominantColors().GetColors())
			if got.Error != nil || found(got) == 0 || all != found(got) || got.SafeSearchAnnotation != nil || got.TextAnnotations != nil {
				t.Errorf("got %v", got)
			}
		})
		t.Run(kind.String()+"_respects_maxResults", func(t *testing.T) {
			limited := &visionpb.Feature{Type: kind, MaxResults: 1}
			if got := one(t, client, picture, []*visionpb.Feature{limited}); found(got) != 1 {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("labels_use_faces_and_objects_that_are_not_requested", func(t *testing.T) {
		got := descriptions(one(t, client, picture, features(visionpb.Feature_LABEL_DETECTION)).LabelAnnotations)
		want := map[string]bool{"Face": true, "Cup": true}
		for _, name := range got {
			delete(want, name)
		}
		if len(want) > 0 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("larger_maxResults_of_a_repeated_feature_counts", func(t *testing.T) {
		twice := []*visionpb.Feature{{Type: visionpb.Feature_LABEL_DETECTION, MaxResults: 1}, {Type: visionpb.Feature_LABEL_DETECTION, MaxResults: 2}}
		if got := one(t, client, picture, twice); len(got.LabelAnnotations) != 2 {
			t.Errorf("got %v", got.LabelAnnotations)
		}
	})
	t.Run("plain_picture_has_no_results_and_no_error", func(t *testing.T) {
		got := one(t, client, plain(t, color.Gray{200}), features(visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION, visionpb.Feature_LABEL_DETECTION))
		if got.Error != nil || len(got.FaceAnnotations)+len(got.LocalizedObjectAnnotations)+len(got.LabelAnnotations) > 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("objects_have_four_normalized_vertices_from_the_upper_left", func(t *testing.T) {
		objects := one(t, client, picture, features(visionpb.Feature_OBJECT_LOCALIZATION)).LocalizedObjectAnnotations
		if len(objects) == 0 {
			t.Error("no objects were found")
		}
		for _, o := range objects {
			v := o.BoundingPoly.NormalizedVertices
			if len(v) != 4 || len(o.BoundingPoly.Vertices) != 0 || v[0].X != v[3].X || v[0].Y != v[1].Y || v[0].X >= v[1].X || v[0].Y >= v[3].Y || v[2].X > 1 || v[2].Y > 1 {
				t.Errorf("%s: %v", o.Name, o.BoundingPoly)
			}
		}
	})
}
