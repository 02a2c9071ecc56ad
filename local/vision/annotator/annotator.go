// Package annotator is a Cloud Vision server for one machine. It speaks Google's gRPC protocol, really
// looks at the pictures, and fails the way Google does. What it cannot do it says (error 12), it never
// invents an answer. It fetches pictures from loopback addresses and hosts it was told of, and keeps nothing.
package annotator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"triptych/local/vision/faces"
	"triptych/local/vision/objects"
)

const (
	// maxMessage is above any request a client of Google's would send, so that too large a one is refused in
	// Google's words and not in grpc's.
	maxMessage = 64 << 20
	// stopWithin is how long requests under way may take once the server is to stop.
	stopWithin = 5 * time.Second
	// maxDownloads bounds the pictures held in memory: 16 of at most 20 MB.
	maxDownloads = 16
	// largePicture is so many pixels that it is decoded alone: it may take a gigabyte.
	largePicture = 20_000_000
)

// Server annotates pictures. It may be served on several listeners at once.
type Server struct {
	// The networks are decoded when a picture first needs them.
	faces     func() (*faces.Finder, error)
	objects   func() (*objects.Finder, error)
	client    *http.Client
	downloads *semaphore.Weighted
	// analyses has as many places as Go uses processors: more at once would only take memory.
	analyses  *semaphore.Weighted
	places    int64
	fault     faults
	annotated atomic.Int64
	bills     io.Writer // nil: nobody wants to know
}

// New makes a server that fetches pictures from loopback addresses and from the hosts given, each a name or an
// address without a port.
func New(hosts ...string) (*Server, error) {
	client, err := newClient(hosts)
	if err != nil {
		return nil, err
	}
	places := int64(runtime.GOMAXPROCS(0))
	return &Server{
		faces:     sync.OnceValues(faces.Load),
		objects:   sync.OnceValues(objects.Load),
		client:    client,
		downloads: semaphore.NewWeighted(maxDownloads),
		analyses:  semaphore.NewWeighted(places),
		places:    places,
	}, nil
}

// Serve answers until the context ends; it then finishes what is under way, for at most 5 s, and returns
// nil. It closes the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage))
	visionpb.RegisterImageAnnotatorServer(server, service{server: s})
	ready := health.NewServer()
	ready.SetServingStatus(visionpb.ImageAnnotator_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, ready)
	defer context.AfterFunc(ctx, func() {
		ready.Shutdown()
		force := time.AfterFunc(stopWithin, server.Stop)
		defer force.Stop()
		server.GracefulStop()
	})()
	err := server.Serve(ln)
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving Cloud Vision on %s: %w", ln.Addr(), err)
	}
	return nil
}
