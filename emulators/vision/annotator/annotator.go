// Package annotator is a Cloud Vision server for one machine. It speaks Google's gRPC protocol, really
// looks at the pictures, and fails the way Google does. What it cannot do it says (error 12), it never
// invents an answer. It fetches pictures from loopback addresses and hosts it was told of, and keeps nothing. What it
// holds of pictures in memory at once is bounded, whatever is sent to it by however many.
package annotator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/objects"
	"triptych/emulators/vision/photo"
)

const (
	// stopWithin is how long requests under way may take once the server is to stop.
	stopWithin = 5 * time.Second
	// maxDownloads bounds the pictures held in memory: 16 of at most 20 MB.
	maxDownloads = 16
	// maxRequests bounds the requests held in memory: 16 of at most 10 MiB, of which four may be read at once.
	maxRequests = 16
	// atOnce is how many pictures are looked at at once on a machine of many processors. Each look uses several; more
	// looks would take more memory than they save time.
	atOnce = 8
)

// Server annotates pictures. It may be served on several listeners at once.
type Server struct {
	// The networks are decoded when a picture first needs them.
	faces   func() (*faces.Finder, error)
	objects func() (*objects.Finder, error)
	// web is where callers on this machine have pictures fetched from, elsewhere where all others do.
	web, elsewhere *http.Client
	downloads      *semaphore.Weighted
	// requests is in bytes.
	requests *semaphore.Weighted
	// analyses is in pixels: those of the largest picture, which may take a gigabyte to decode and so is alone. A small
	// one counts as least, so that there are as many at once as Go uses processors, or atOnce.
	analyses     *semaphore.Weighted
	least        int64
	readWithin   time.Duration
	decodeWithin time.Duration
	fault        faults
	annotated    atomic.Int64
	bills        io.Writer // nil: nobody wants to know
}

// New makes a server that fetches pictures from loopback addresses and from the hosts given, each a name or an
// address without a port.
func New(hosts ...string) (*Server, error) {
	allowed, err := allow(hosts)
	if err != nil {
		return nil, err
	}
	return &Server{
		faces:        sync.OnceValues(faces.Load),
		objects:      sync.OnceValues(objects.Load),
		web:          newClient(dialer{allowed: allowed}),
		elsewhere:    newClient(dialer{allowed: allowed, exposed: true}),
		downloads:    semaphore.NewWeighted(maxDownloads),
		requests:     semaphore.NewWeighted(maxRequests * maxRequest),
		analyses:     semaphore.NewWeighted(photo.MaxPixels),
		least:        photo.MaxPixels / int64(min(runtime.GOMAXPROCS(0), atOnce)),
		readWithin:   readWithin,
		decodeWithin: decodeWithin,
	}, nil
}

// Serve answers until the context ends; it then finishes what is under way, for at most 5 s, and returns
// nil. It closes the listener. Whoever calls by one that is not on loopback gets no pictures from loopback: what listens
// there may well show others less than it shows this machine.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	calls := service{server: s, web: s.web}
	if exposed(ln.Addr()) {
		slog.WarnContext(ctx, "Cloud Vision is open to the network; for its callers, pictures are fetched only from hosts that were allowed", "address", ln.Addr())
		calls.web = s.elsewhere
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxConcurrentStreams(maxCalls), grpc.InitialWindowSize(unread))
	calls.register(server)
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

// exposed tells whether other machines may reach an address.
func exposed(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}
