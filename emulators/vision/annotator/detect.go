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

type detections struct {
	faces   []faces.Face
	objects []objects.Object
	colours []colours.Colour
}

func (s *Server) detect(ctx context.Context, picture *image.RGBA, limits resultLimits) (*detections, error) {
	if s.cache == nil {
		return s.runDetectors(ctx, picture, limits)
	}
	key := newCacheKey(picture, limits)
	if found := s.cache.read(key); found != nil {
		return found, nil
	}
	found, err := s.runDetectors(ctx, picture, limits)
	if err == nil {
		s.cache.write(key, found)
	}
	return found, err
}

func (s *Server) runDetectors(ctx context.Context, picture *image.RGBA, limits resultLimits) (*detections, error) {
	found := &detections{}
	detectors, ctx := errgroup.WithContext(ctx)
	if limit := limits.forDetector(visionpb.Feature_FACE_DETECTION); limit > 0 {
		detectors.Go(recoverPanic(ctx, func() (err error) {
			found.faces, err = s.faces.Find(ctx, picture, limit)
			return err
		}))
	}
	if limit := limits.forDetector(visionpb.Feature_OBJECT_LOCALIZATION); limit > 0 {
		detectors.Go(recoverPanic(ctx, func() (err error) {
			found.objects, err = s.objects.Find(ctx, picture, limit)
			return err
		}))
	}
	if limits.forDetector(visionpb.Feature_IMAGE_PROPERTIES) > 0 {
		detectors.Go(recoverPanic(ctx, func() error {
			found.colours = colours.Dominant(picture)
			return nil
		}))
	}
	return found, detectors.Wait()
}

func (l resultLimits) forDetector(feature visionpb.Feature_Type) int {
	if l[visionpb.Feature_LABEL_DETECTION] > 0 {
		return maxResults
	}
	return l[feature]
}

func (d *detections) response(p *photo.Photo, limits resultLimits) *visionpb.AnnotateImageResponse {
	response := &visionpb.AnnotateImageResponse{}
	for _, f := range atMost(limits[visionpb.Feature_FACE_DETECTION], d.faces) {
		response.FaceAnnotations = append(response.FaceAnnotations, faceAnnotation(p, f))
	}
	for _, o := range atMost(limits[visionpb.Feature_OBJECT_LOCALIZATION], d.objects) {
		response.LocalizedObjectAnnotations = append(response.LocalizedObjectAnnotations, objectAnnotation(o))
	}
	if limit := limits[visionpb.Feature_LABEL_DETECTION]; limit > 0 {
		for _, l := range atMost(limit, labels.Of(d.objects, d.faces, d.colours)) {
			response.LabelAnnotations = append(response.LabelAnnotations, labelAnnotation(l))
		}
	}
	if limit := limits[visionpb.Feature_IMAGE_PROPERTIES]; limit > 0 {
		response.ImagePropertiesAnnotation = imageProperties(atMost(limit, d.colours))
	}
	return response
}

func atMost[T any](limit int, results []T) []T { return results[:min(len(results), limit)] }
