package annotator

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// dial serves s to a bare connection.
func dial(t *testing.T, s *Server) *grpc.ClientConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(t.Context(), ln) }()
	t.Cleanup(func() {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestReceive(t *testing.T) {
	const room = maxRequests * maxRequest
	s, data := newServer(t)
	conn := dial(t, s.server)
	batch := &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
		asking(&visionpb.Image{Content: data}, visionpb.Feature_IMAGE_PROPERTIES),
	}}
	t.Run("a_request_is_read_only_when_there_is_memory_for_it", func(t *testing.T) {
		read := make(chan struct{}, 1)
		s.server.SetFault(Fault{Meet: func() { read <- struct{}{} }})
		defer s.server.SetFault(Fault{})
		if err := s.server.requests.Acquire(t.Context(), room-maxMessage+1); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := visionpb.NewImageAnnotatorClient(conn).BatchAnnotateImages(t.Context(), batch)
			ended <- err
		}()
		for s.server.requests.TryAcquire(1) { // as long as nobody waits
			s.server.requests.Release(1)
			runtime.Gosched()
		}
		if len(read) > 0 {
			t.Error("it was read")
		}
		s.server.requests.Release(room - maxMessage + 1)
		if err := <-ended; err != nil || len(read) != 1 {
			t.Errorf("afterwards it was answered with %v", err)
		}
	})
	t.Run("a_request_holds_no_more_than_its_size_until_it_is_answered", func(t *testing.T) {
		s.server.SetFault(Fault{Meet: func() {
			if !s.server.requests.TryAcquire(room - 100_000) {
				t.Error("there is no room beside it")
				return
			}
			s.server.requests.Release(room - 100_000)
			if s.server.requests.TryAcquire(room - 1000) {
				t.Error("it holds nothing")
			}
		}})
		defer s.server.SetFault(Fault{})
		if _, err := visionpb.NewImageAnnotatorClient(conn).BatchAnnotateImages(t.Context(), batch); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_call_that_ends_while_it_waits_gives_back_what_it_has", func(t *testing.T) {
		calls := map[string]func(context.Context) error{
			"cancelled": func(ctx context.Context) error {
				ctx, cancel := context.WithCancel(ctx)
				stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, visionpb.ImageAnnotator_BatchAnnotateImages_FullMethodName)
				cancel()
				if err != nil {
					return err
				}
				return stream.RecvMsg(&visionpb.BatchAnnotateImagesResponse{})
			},
			"without a request": func(ctx context.Context) error {
				stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, visionpb.ImageAnnotator_BatchAnnotateImages_FullMethodName)
				if err != nil {
					return err
				}
				if err := stream.CloseSend(); err != nil {
					return err
				}
				return stream.RecvMsg(&visionpb.BatchAnnotateImagesResponse{})
			},
		}
		for how, call := range calls {
			if err := call(t.Context()); err == nil || err == io.EOF || status.Code(err) == codes.OK {
				t.Errorf("%s: got %v", how, err)
			}
		}
		if err := s.server.requests.Acquire(t.Context(), room); err != nil { // all of it
			t.Fatal(err)
		}
		s.server.requests.Release(room)
	})
}
