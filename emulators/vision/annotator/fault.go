package annotator

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Fault is what goes wrong with BatchAnnotateImages. The zero Fault is health. Of several things, the
// first named here happens.
type Fault struct {
	Only       string                          // meets only calls with an image whose URL or bytes hold it
	Meet       func()                          // is called by each call that is met, and may keep it waiting
	Delay      time.Duration                   // before anything else; the call's deadline cuts it short
	Code       codes.Code                      // the call fails with it
	Empty      bool                            // the reply holds no image's answer at all
	ImageCode  codes.Code                      // each image fails with it, inside a successful reply
	Response   *visionpb.AnnotateImageResponse // each image is answered with it
	Message    string                          // of Code or ImageCode; else the code's name
	RetryAfter time.Duration                   // comes with Code, as google.rpc.RetryInfo
	Times      int                             // calls it lasts; 0: until another takes its place
}

// SetFault makes the following calls go wrong, in place of whatever with the same Only did before. A call meets one
// Fault, rather one that has an Only.
func (s *Server) SetFault(f Fault) { s.fault.set(f) }

type faults struct {
	mu      sync.Mutex
	current map[string]Fault // by Only
}

func (f *faults) set(to Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		f.current = map[string]Fault{}
	}
	f.current[to.Only] = to
}

// take is the fault of one call.
func (f *faults) take(batch *visionpb.BatchAnnotateImagesRequest) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.current[""]
	for only, fault := range f.current {
		if only != "" && shows(batch, only) {
			now = fault
		}
	}
	switch later := now; now.Times {
	case 0:
	case 1:
		delete(f.current, now.Only)
	default:
		later.Times--
		f.current[now.Only] = later
	}
	return now
}

func shows(batch *visionpb.BatchAnnotateImagesRequest, what string) bool {
	return slices.ContainsFunc(batch.Requests, func(r *visionpb.AnnotateImageRequest) bool {
		image := r.GetImage()
		return strings.Contains(image.GetSource().GetImageUri(), what) || bytes.Contains(image.GetContent(), []byte(what))
	})
}

// happen does to the call what the fault says.
func (f Fault) happen(ctx context.Context) error {
	if f.Meet != nil {
		f.Meet()
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	if f.Code == codes.OK {
		return nil
	}
	failure := status.New(f.Code, f.message(f.Code))
	if f.RetryAfter > 0 {
		detailed, err := failure.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)})
		if err != nil {
			return status.Errorf(codes.Internal, "describing the fault: %v", err)
		}
		failure = detailed
	}
	return failure.Err()
}

// response is what the fault puts in the place of an image's annotation, if anything.
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
