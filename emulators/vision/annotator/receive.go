package annotator

import (
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// maxRequest is the bytes of a request (https://cloud.google.com/vision/quotas).
	maxRequest = 10_485_760
	// maxMessage is what is read of a request, so that too large a one is refused in Google's words and not in grpc's.
	maxMessage = 4 * maxRequest
	// maxCalls is how many calls a connection may have under way, unread how many bytes of each are taken in before
	// there is memory for a whole request.
	maxCalls = 100
	unread   = 1 << 16
	// readWithin is how long a request may take to come in once there is memory for it: others wait
	// for that memory meanwhile. It lets 10 MB pass at 3 Mbit/s.
	readWithin = 30 * time.Second
)

// register is visionpb.RegisterImageAnnotatorServer, but that BatchAnnotateImages is a stream of one request and one
// response. On the wire that is the same; here it allows to wait before the request is read, instead of after it. The
// methods that there are not are not named, so that grpc refuses them unread.
func (s service) register(server *grpc.Server) {
	described := visionpb.ImageAnnotator_ServiceDesc
	described.Methods = nil
	described.Streams = []grpc.StreamDesc{{
		StreamName: "BatchAnnotateImages", Handler: func(_ any, call grpc.ServerStream) error { return s.receive(call) },
		ClientStreams: true, ServerStreams: true,
	}}
	server.RegisterService(&described, s)
}

// receive reads a request once there is memory for the largest, and holds as much as it turns out to need until it is
// answered.
func (s service) receive(call grpc.ServerStream) error {
	requests, held := s.server.requests, int64(maxMessage)
	if err := requests.Acquire(call.Context(), held); err != nil {
		return status.FromContextError(err).Err()
	}
	batch := &visionpb.BatchAnnotateImagesRequest{}
	read := make(chan error, 1)
	go func() { read <- call.RecvMsg(batch) }()
	select {
	case err := <-read:
		defer func() { requests.Release(held) }()
		if err != nil {
			return err
		}
	case <-time.After(s.server.readWithin):
		go func() {
			<-read // fails once this call has returned: then what has come of the request is gone
			requests.Release(held)
		}()
		return status.Errorf(codes.DeadlineExceeded, "The request did not come in within %s.", s.server.readWithin)
	}
	size := int64(proto.Size(batch))
	if size > maxRequest {
		return status.Errorf(codes.InvalidArgument, "Request payload size exceeds the limit: %d bytes.", maxRequest)
	}
	requests.Release(held - size)
	held = size
	answer, err := s.BatchAnnotateImages(call.Context(), batch)
	if err != nil {
		return err
	}
	return call.SendMsg(answer)
}
