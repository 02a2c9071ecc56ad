package annotator

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxImages is how many a request may hold (https://cloud.google.com/vision/quotas).
const maxImages = 16

// service is the gRPC face of a Server; methods it does not have answer Unimplemented.
type service struct {
	visionpb.UnimplementedImageAnnotatorServer
	server *Server
	web    *http.Client // by which pictures are fetched
}

// BatchAnnotateImages answers each image by itself: one that fails is an error in its place, not of the call.
func (s service) BatchAnnotateImages(ctx context.Context, batch *visionpb.BatchAnnotateImagesRequest) (*visionpb.BatchAnnotateImagesResponse, error) {
	fault := s.server.fault.take(batch)
	if err := fault.happen(ctx); err != nil {
		return nil, err
	}
	if fault.Empty {
		return &visionpb.BatchAnnotateImagesResponse{}, nil
	}
	if n := len(batch.Requests); n < 1 || n > maxImages {
		return nil, status.Errorf(codes.InvalidArgument, "A request holds 1 to %d images, not %d.", maxImages, n)
	}
	responses := make([]*visionpb.AnnotateImageResponse, len(batch.Requests))
	var all sync.WaitGroup
	for i, request := range batch.Requests {
		all.Go(func() {
			if responses[i] = fault.response(); responses[i] == nil {
				responses[i] = s.answer(ctx, request)
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	for i, r := range responses {
		if r.Error == nil {
			s.server.bill(batch.Requests[i].GetImage())
		}
	}
	return &visionpb.BatchAnnotateImagesResponse{Responses: responses}, nil
}

// answer annotates one image.
func (s service) answer(ctx context.Context, request *visionpb.AnnotateImageRequest) (response *visionpb.AnnotateImageResponse) {
	err := contained(ctx, func() (err error) {
		response, err = s.annotate(ctx, request)
		return err
	})()
	if err != nil {
		return failed(err)
	}
	return response
}

// contained makes an error 13 of a panic: whatever a hostile image does to a decoder stays in its own answer.
func contained(ctx context.Context, work func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				slog.ErrorContext(ctx, "analysing an image panicked; it was answered with error 13", "panic", p, "stack", string(debug.Stack()))
				err = status.Error(codes.Internal, "Internal error while analysing the image.")
			}
		}()
		return work()
	}
}

// failed puts an error in the place of an annotation.
func failed(err error) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{Error: status.Convert(err).Proto()}
}
