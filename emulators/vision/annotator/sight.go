package annotator

import (
	"context"
	"image"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"golang.org/x/sync/errgroup"

	"triptych/emulators/vision/colours"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/labels"
	"triptych/emulators/vision/objects"
	"triptych/emulators/vision/photo"
)

// sight is what was seen in a picture.
type sight struct {
	faces   []faces.Face
	objects []objects.Object
	colours []colours.Colour
}

// look does what the wanted features need, and nothing else, side by side.
func (s *Server) look(ctx context.Context, picture *image.RGBA, wanted request) (*sight, error) {
	seen := &sight{}
	looks, ctx := errgroup.WithContext(ctx)
	if most := wanted.most(visionpb.Feature_FACE_DETECTION, visionpb.Feature_LABEL_DETECTION); most > 0 {
		looks.Go(contained(ctx, func() error {
			finder, err := s.faces()
			if err != nil {
				return err
			}
			seen.faces, err = finder.Find(ctx, picture, most)
			return err
		}))
	}
	if most := wanted.most(visionpb.Feature_OBJECT_LOCALIZATION, visionpb.Feature_LABEL_DETECTION); most > 0 {
		looks.Go(contained(ctx, func() error {
			finder, err := s.objects()
			if err != nil {
				return err
			}
			seen.objects, err = finder.Find(ctx, picture, most)
			return err
		}))
	}
	if wanted.most(visionpb.Feature_IMAGE_PROPERTIES, visionpb.Feature_LABEL_DETECTION) > 0 {
		looks.Go(contained(ctx, func() error {
			seen.colours = colours.Dominant(picture)
			return nil
		}))
	}
	return seen, looks.Wait()
}

// most is how many results the features need: what is asked of the one, or all there can be for the labels drawn from it.
func (r request) most(feature, labels visionpb.Feature_Type) int {
	if r[labels] > 0 {
		return maxResults
	}
	return r[feature]
}

// response holds of what was seen as much as is wanted.
func (s *sight) response(p *photo.Photo, wanted request) *visionpb.AnnotateImageResponse {
	response := &visionpb.AnnotateImageResponse{}
	for _, f := range first(s.faces, wanted[visionpb.Feature_FACE_DETECTION]) {
		response.FaceAnnotations = append(response.FaceAnnotations, faceAnnotation(p, f))
	}
	for _, o := range first(s.objects, wanted[visionpb.Feature_OBJECT_LOCALIZATION]) {
		response.LocalizedObjectAnnotations = append(response.LocalizedObjectAnnotations, objectAnnotation(o))
	}
	if most := wanted[visionpb.Feature_LABEL_DETECTION]; most > 0 {
		for _, l := range first(labels.Of(s.objects, s.faces, s.colours), most) {
			response.LabelAnnotations = append(response.LabelAnnotations, labelAnnotation(l))
		}
	}
	if most := wanted[visionpb.Feature_IMAGE_PROPERTIES]; most > 0 {
		response.ImagePropertiesAnnotation = imageProperties(first(s.colours, most))
	}
	return response
}

func first[T any](all []T, most int) []T { return all[:min(len(all), most)] }
