package annotator

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"triptych/emulators/faults"
)

// Fault makes calls of BatchAnnotateImages fail, wait or return a fixed response. If several of Code, Empty,
// ImageCode and Response are set, only the first one in this order is used.
type Fault struct {
	Only       string                          // calls with an image whose URL or bytes contain it; "" means all calls
	Times      int                             // number of calls that fail; 0 means until the Fault is replaced
	OnMatch    func()                          // called for each call that the Fault applies to; may block
	Delay      time.Duration                   // before the call is processed; ends with the call's deadline
	Code       codes.Code                      // status of the whole call
	Empty      bool                            // the reply contains no image responses
	ImageCode  codes.Code                      // status of each image, inside a successful reply
	Response   *visionpb.AnnotateImageResponse // response for each image
	Message    string                          // message of Code or ImageCode; default: the name of the code
	RetryAfter time.Duration                   // sent with Code, as google.rpc.RetryInfo
}

// Rule implements faults.Fault.
func (f Fault) Rule() faults.Rule {
	return faults.Rule{Only: f.Only, Times: f.Times, Delay: f.Delay, OnMatch: f.OnMatch}
}

func (s *Server) SetFault(f Fault) { s.faults.Put(f) }

func containsImage(batch *visionpb.BatchAnnotateImagesRequest, text string) bool {
	return slices.ContainsFunc(batch.Requests, func(r *visionpb.AnnotateImageRequest) bool {
		image := r.GetImage()
		return strings.Contains(image.GetSource().GetImageUri(), text) || bytes.Contains(image.GetContent(), []byte(text))
	})
}

func (f Fault) delayAndFail(ctx context.Context) error {
	if err := f.Rule().Wait(ctx); err != nil {
		return status.FromContextError(err).Err()
	}
	if f.Code == codes.OK {
		return nil
	}
	failure := status.New(f.Code, f.message(f.Code))
	if f.RetryAfter == 0 {
		return failure.Err()
	}
	failure, err := failure.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)})
	if err != nil {
		return status.Errorf(codes.Internal, "adding RetryInfo to the fault: %v", err)
	}
	return failure.Err()
}

func (f Fault) response() *visionpb.AnnotateImageResponse {
	if f.ImageCode != codes.OK {
		return failed(status.Error(f.ImageCode, f.message(f.ImageCode)))
	}
	if f.Response == nil {
		return nil
	}
	return proto.CloneOf(f.Response)
}

func (f Fault) message(code codes.Code) string {
	if f.Message == "" {
		return code.String()
	}
	return f.Message
}
