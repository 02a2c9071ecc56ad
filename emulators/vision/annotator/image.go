package annotator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/photo"
)

// What Google says of one image, in its words where they are known.
var (
	errIncomplete = status.Error(codes.InvalidArgument, "Request must specify image and features.")
	errBadImage   = status.Error(codes.InvalidArgument, "Bad image data.")
	errManyPixels = status.Error(codes.InvalidArgument, "Image too large. Please limit to 75 megapixels.")
	errManyBytes  = status.Error(codes.InvalidArgument, "Image too large. Please limit to 20 megabytes.")
	errNotAllowed = status.Error(codes.PermissionDenied, "We're not allowed to access the URL on your behalf. Please download the content and pass it in.")
	errExposed    = status.Error(codes.PermissionDenied, "We're not allowed to access the URL on your behalf. Please download the content and pass it in. "+
		"(This local server is open to the network, so it fetches nothing from its own machine but from hosts that were allowed at start.)")
	errInaccessible = status.Error(codes.Unavailable, "We can not access the URL currently. Please download the content and pass it in.")
)

// decodeWithin is what 75 megapixels need many times over; a picture that takes longer is made to.
const decodeWithin = 20 * time.Second

// maxResults is how many results of a feature there can be; the default is Google's.
const (
	defaultResults = 10
	maxResults     = 100
)

// Features names what the server can do.
func Features() []string {
	return []string{
		visionpb.Feature_FACE_DETECTION.String(), visionpb.Feature_OBJECT_LOCALIZATION.String(),
		visionpb.Feature_LABEL_DETECTION.String(), visionpb.Feature_IMAGE_PROPERTIES.String(),
	}
}

// annotate does one image. Its errors are gRPC statuses, or the context's.
func (s service) annotate(ctx context.Context, asked *visionpb.AnnotateImageRequest) (*visionpb.AnnotateImageResponse, error) {
	wanted, err := results(asked.GetFeatures())
	if err != nil {
		return nil, err
	}
	data := asked.GetImage().GetContent()
	if len(data) == 0 {
		if err := s.server.downloads.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		defer s.server.downloads.Release(1)
		if data, err = s.fetch(ctx, asked.GetImage().GetSource()); err != nil {
			return nil, err
		}
	}
	pixels, err := photo.Measure(data)
	if err != nil {
		return nil, refusal(err)
	}
	place := max(int64(pixels), s.server.least)
	if err := s.server.analyses.Acquire(ctx, place); err != nil {
		return nil, err
	}
	defer s.server.analyses.Release(place)
	return s.server.analyse(ctx, data, wanted)
}

// analyse decodes the picture and looks at it.
func (s *Server) analyse(ctx context.Context, data []byte, wanted request) (*visionpb.AnnotateImageResponse, error) {
	decoding, cancel := context.WithTimeout(ctx, s.decodeWithin)
	defer cancel()
	p, err := photo.Decode(decoding, data)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), refusal(err))
	}
	seen, err := s.look(ctx, p.Pixels, wanted)
	if err != nil {
		return nil, err
	}
	return seen.response(p, wanted), ctx.Err()
}

// request is how many results of each feature are wanted; of one that is not in it, none.
type request map[visionpb.Feature_Type]int

// results reads which features are asked for, and how many results of each. One that the server lacks fails the
// image: an empty answer would say that nothing was found.
func results(features []*visionpb.Feature) (request, error) {
	wanted := request{}
	for _, f := range features {
		if !slices.Contains(Features(), f.Type.String()) {
			return nil, status.Error(codes.Unimplemented, fmt.Sprintf("%s is not available on this local server; it has %s.",
				f.Type, strings.Join(Features(), ", ")))
		}
		most := int(f.MaxResults)
		if most <= 0 {
			most = defaultResults
		}
		wanted[f.Type] = max(wanted[f.Type], min(most, maxResults))
	}
	if len(wanted) == 0 {
		return nil, errIncomplete
	}
	return wanted, nil
}

func refusal(err error) error {
	if errors.Is(err, photo.ErrTooLarge) {
		return errManyPixels
	}
	return errBadImage
}
