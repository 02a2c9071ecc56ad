package annotator

import (
	"context"
	"log/slog"
	"regexp"
	"runtime/debug"
	"sync"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const maxImages = 16 // per request (https://cloud.google.com/vision/quotas)

var errRequestTooLarge = status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", maxRequest)

// https://cloud.google.com/vision/docs/reference/rpc/google.cloud.vision.v1#batchannotateimagesrequest. REST has a path
// without a location too (https://github.com/googleapis/googleapis/blob/master/google/cloud/vision/v1/image_annotator.proto).
var validParent = regexp.MustCompile(`^projects/[^/]+(/locations/(us|asia|eu))?$`)

// BatchAnnotateImages succeeds even if an image fails. Only the response for that image contains the error.
func (s *Server) BatchAnnotateImages(ctx context.Context, batch *visionpb.BatchAnnotateImagesRequest) (*visionpb.BatchAnnotateImagesResponse, error) {
	if proto.Size(batch) > maxRequest {
		return nil, errRequestTooLarge
	}
	if batch.Parent != "" && !validParent.MatchString(batch.Parent) {
		return nil, status.Errorf(codes.InvalidArgument, "Invalid parent %q: use projects/PROJECT, or projects/PROJECT/locations/ and us, asia or eu.", batch.Parent)
	}
	fault := s.faults.Take(func(f Fault) bool { return f.Only == "" || containsImage(batch, f.Only) })
	if err := fault.delayAndFail(ctx); err != nil {
		return nil, err
	}
	if fault.Empty {
		return &visionpb.BatchAnnotateImagesResponse{}, nil
	}
	if n := len(batch.Requests); n < 1 || n > maxImages {
		return nil, status.Errorf(codes.InvalidArgument, "A request must have 1 to %d images, not %d.", maxImages, n)
	}
	responses := make([]*visionpb.AnnotateImageResponse, len(batch.Requests))
	var images sync.WaitGroup
	for i, request := range batch.Requests {
		images.Go(func() {
			if responses[i] = fault.response(); responses[i] == nil {
				responses[i] = s.response(ctx, request)
			}
		})
	}
	images.Wait()
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	for i, r := range responses {
		if r.Error == nil {
			s.bill(batch.Requests[i].GetImage())
		}
	}
	return &visionpb.BatchAnnotateImagesResponse{Responses: responses}, nil
}

func (s *Server) response(ctx context.Context, request *visionpb.AnnotateImageRequest) (response *visionpb.AnnotateImageResponse) {
	err := recoverPanic(ctx, func() (err error) {
		response, err = s.annotate(ctx, request)
		return err
	})()
	if err != nil {
		return failed(err)
	}
	return response
}

// recoverPanic converts a panic, for example in an image decoder, to an INTERNAL error, so that only one image fails.
func recoverPanic(ctx context.Context, work func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				slog.ErrorContext(ctx, "analysing an image panicked", "panic", p, "stack", string(debug.Stack()))
				err = status.Error(codes.Internal, "Internal error while analysing the image.")
			}
		}()
		return work()
	}
}

func failed(err error) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{Error: status.Convert(err).Proto()}
}
