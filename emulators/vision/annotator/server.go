// Package annotator emulates Cloud Vision's method BatchAnnotateImages on loopback, with gRPC and REST. It detects faces,
// objects, labels and colours on the CPU. The error codes and limits are Google's.
//
// Text detection is missing: PP-OCRv4 in Go takes 2.8 CPU-seconds per picture, and Tesseract must be installed separately.
// Safe search is missing: there is no free model for it in Go modules or npm.
package annotator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/soheilhy/cmux"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"triptych/emulators/faults"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/objects"
)

const (
	maxRequest      = 10 << 20              // bytes (https://cloud.google.com/vision/quotas)
	maxMessage      = 4 * maxRequest        // gRPC's limit; most larger requests should get Google's error, not gRPC's
	maxAnalyses     = 8                     // concurrently; a picture of 75 megapixels can take 2 gigabytes
	shutdownTimeout = 5 * time.Second       // for running calls
	acceptPause     = 50 * time.Millisecond // after a temporary error of Accept, such as too many open files
	startTimeout    = 5 * time.Second       // for the protocol of a connection and the headers of a request
)

// A Server may serve several listeners.
type Server struct {
	visionpb.UnimplementedImageAnnotatorServer // of all methods except BatchAnnotateImages

	faces    *faces.Finder
	objects  *objects.Finder
	client   *http.Client // fetches pictures
	analyses *semaphore.Weighted
	faults   faults.Set[Fault]
	billed   atomic.Int64
	billLog  io.Writer // nil: no billing log
	cache    *cache    // nil: no cache
}

// All servers of a process share the networks, because loading them takes about 70 ms.
var loadFaces, loadObjects = sync.OnceValues(faces.Load), sync.OnceValues(objects.Load)

// New loads the neural networks.
func New() (*Server, error) {
	faceFinder, err := loadFaces()
	if err != nil {
		return nil, fmt.Errorf("loading the face networks: %w", err)
	}
	objectFinder, err := loadObjects()
	if err != nil {
		return nil, fmt.Errorf("loading the object network: %w", err)
	}
	return &Server{
		faces: faceFinder, objects: objectFinder, client: newClient(),
		analyses: semaphore.NewWeighted(int64(min(runtime.GOMAXPROCS(0), maxAnalyses))),
	}, nil
}

// Serve closes `ln` and returns nil when `ctx` ends. `ln` must have a loopback address
// (loopback.Listen), because callers are not authenticated.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	// Without ConnectionTimeout, grpc.Server.Stop waits up to two minutes for a connection that sends nothing after its preface.
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.ConnectionTimeout(startTimeout))
	visionpb.RegisterImageAnnotatorServer(server, s)
	ready := health.NewServer()
	ready.SetServingStatus(visionpb.ImageAnnotator_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, ready)
	mux := cmux.New(ln)
	mux.SetReadTimeout(startTimeout)
	mux.HandleError(func(error) bool {
		time.Sleep(acceptPause)
		return true
	})
	grpcListener, httpListener := mux.Match(cmux.HTTP2()), mux.Match(cmux.Any())
	httpServer := &http.Server{Handler: s.rest(), ReadHeaderTimeout: startTimeout}
	go httpServer.Serve(httpListener)
	accepting := make(chan error, 1)
	go func() { accepting <- mux.Serve() }()
	shutDown := sync.OnceFunc(func() {
		ready.Shutdown()
		running, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		defer context.AfterFunc(running, server.Stop)()
		var requests sync.WaitGroup
		requests.Go(func() {
			if httpServer.Shutdown(running) != nil {
				httpServer.Close()
			}
		})
		server.GracefulStop()
		requests.Wait()
	})
	defer context.AfterFunc(ctx, shutDown)()
	server.Serve(grpcListener) // until the shutdown, or until accepting fails
	failed := ctx.Err() == nil
	shutDown()
	if failed {
		return fmt.Errorf("serving Cloud Vision on %s: %w", ln.Addr(), <-accepting)
	}
	return nil
}
