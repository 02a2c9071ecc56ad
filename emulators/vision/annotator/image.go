package annotator

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/photo"
)

// The messages are Google's where known.
var (
	errIncomplete    = status.Error(codes.InvalidArgument, "Request must specify image and features.")
	errBadImage      = status.Error(codes.InvalidArgument, "Bad image data.")
	errTooManyPixels = status.Error(codes.InvalidArgument, "Image too large. Please limit to 75 megapixels.")
	errTooManyBytes  = status.Error(codes.InvalidArgument, "Image too large. Please limit to 20 megabytes.")
	errNotAllowed    = status.Error(codes.PermissionDenied, "We're not allowed to access the URL on your behalf. Please download the content and pass it in.")
	errInaccessible  = status.Error(codes.Unavailable, "We can not access the URL currently. Please download the content and pass it in.")
)

// Limits of Feature.max_results. The default is Google's.
const (
	defaultResults = 10
	maxResults     = 100
)

// Features returns names such as FACE_DETECTION.
func Features() []string {
	return []string{
		visionpb.Feature_FACE_DETECTION.String(), visionpb.Feature_OBJECT_LOCALIZATION.String(),
		visionpb.Feature_LABEL_DETECTION.String(), visionpb.Feature_IMAGE_PROPERTIES.String(),
	}
}

func (s *Server) annotate(ctx context.Context, request *visionpb.AnnotateImageRequest) (*visionpb.AnnotateImageResponse, error) {
	limits, err := parseFeatures(request.GetFeatures())
	if err != nil {
		return nil, err
	}
	data := request.GetImage().GetContent()
	if len(data) == 0 {
		if data, err = s.fetch(ctx, request.GetImage().GetSource()); err != nil {
			return nil, err
		}
	}
	if err := s.analyses.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.analyses.Release(1)
	p, err := photo.Decode(data)
	if errors.Is(err, photo.ErrTooLarge) {
		return nil, errTooManyPixels
	}
	if err != nil {
		return nil, errBadImage
	}
	found, err := s.detect(ctx, p.Pixels, limits)
	if err != nil {
		return nil, err
	}
	return found.response(p, limits), ctx.Err()
}

type resultLimits map[visionpb.Feature_Type]int

// parseFeatures returns an error for a feature that is not implemented, because an empty result would mean that
// nothing was found. Google does not document what it answers to an unknown type. It reports missing features like other
// invalid requests, as error 3 of the image (https://github.com/googleapis/google-cloud-php/pull/68).
func parseFeatures(features []*visionpb.Feature) (resultLimits, error) {
	limits := resultLimits{}
	for _, f := range features {
		if _, known := visionpb.Feature_Type_name[int32(f.Type)]; !known || f.Type == visionpb.Feature_TYPE_UNSPECIFIED {
			return nil, status.Errorf(codes.InvalidArgument, "Request has a feature of the unknown type %s.", f.Type)
		}
		if !slices.Contains(Features(), f.Type.String()) {
			return nil, status.Errorf(codes.Unimplemented, "%s is not available on this local server; it has %s.",
				f.Type, strings.Join(Features(), ", "))
		}
		limit := int(f.MaxResults)
		if limit <= 0 {
			limit = defaultResults
		}
		limits[f.Type] = max(limits[f.Type], min(limit, maxResults))
	}
	if len(limits) == 0 {
		return nil, errIncomplete
	}
	return limits, nil
}
