package annotator

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// dial serves s to a bare connection.
func dial(t *testing.T, s *Server, options ...grpc.DialOption) *grpc.ClientConn {
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
	conn, err := grpc.NewClient(ln.Addr().String(), append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
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
		s.server.SetFault(Fault{OnMatch: func() { read <- struct{}{} }})
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
		s.server.SetFault(Fault{OnMatch: func() {
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
				stream, err := open(ctx, conn)
				cancel()
				if err != nil {
					return err
				}
				return stream.RecvMsg(&visionpb.BatchAnnotateImagesResponse{})
			},
			"without a request": func(ctx context.Context) error {
				stream, err := open(ctx, conn)
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

func TestLateRequest(t *testing.T) {
	for name, c := range map[string]struct {
		within time.Duration
		half   bool
	}{
		"a_request_that_does_not_come_gives_its_memory_back": {within: 100 * time.Millisecond},
		"half_a_request_gives_its_memory_back":               {within: time.Second, half: true}, // half comes in sooner
	} {
		t.Run(name, func(t *testing.T) {
			s, data := newServer(t)
			if s.server.readWithin != readWithin {
				t.Errorf("a request may take %s", s.server.readWithin)
			}
			s.server.readWithin = c.within
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stalled := make(chan struct{})
			stream, err := open(ctx, dial(t, s.server, grpc.WithContextDialer(stall(ctx, sync.OnceFunc(func() { close(stalled) })))))
			if err != nil {
				t.Fatal(err)
			}
			image := &visionpb.Image{Content: bytes.Repeat(data, 10)}
			if c.half {
				go stream.SendMsg(&visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{asking(image)}})
				select {
				case <-stalled:
				case <-ctx.Done():
					t.Fatal("half of it never came in")
				}
			}
			if err := stream.RecvMsg(&visionpb.BatchAnnotateImagesResponse{}); status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("got %v", err)
			}
			if err := s.server.requests.Acquire(ctx, maxRequests*maxRequest); err != nil { // all of it
				t.Errorf("not all memory was given back: %v", err)
			}
		})
	}
}

// open starts a call without a request.
func open(ctx context.Context, conn *grpc.ClientConn) (grpc.ClientStream, error) {
	return conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, visionpb.ImageAnnotator_BatchAnnotateImages_FullMethodName)
}

// stalling is a connection that takes in 50 kB and then no more, until it fails.
type stalling struct {
	net.Conn
	left int
	full func()
	fail <-chan struct{}
}

func stall(until context.Context, full func()) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		return &stalling{conn, 50_000, full, until.Done()}, err
	}
}

func (c *stalling) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	c.left -= n
	if n == len(p) || err != nil {
		return n, err
	}
	c.full()
	<-c.fail
	return n, net.ErrClosed
}
