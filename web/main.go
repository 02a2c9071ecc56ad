// Command web serves the page and its API, as a Lambda or as a plain HTTP server. The command never reads the bytes
// of a picture and never writes to S3 or Cosmos DB.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambdaurl"

	"triptych/internal/flags"
	"triptych/internal/telemetry"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`host:port` to listen on, when not in a Lambda")
	checks := flag.Bool("check", false, "call each cloud as the program does, print what works, and exit with status 0 if all of it does, otherwise 1")
	flag.Usage = usage
	flags.Parse()

	slog.SetDefault(telemetry.NewLogger(os.Stderr, os.Getenv))
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		lambdaurl.Start(new(lazyHandler))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *checks {
		os.Exit(min(runChecks(ctx, os.Stdout), 1))
	}
	if err := serve(ctx, *addr); err != nil {
		slog.Error("web stopped", "error", err)
		os.Exit(1)
	}
}

// lazyHandler calls `open` for the first request, because a Lambda that fails at startup cannot tell the client why.
type lazyHandler struct {
	handler http.Handler // nil until open succeeds
}

func (l *lazyHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer telemetry.Flush(r.Context()) // before Lambda freezes the program
	// Only an operator can send this request: CloudFront forwards only /api/* and always adds the header.
	if r.URL.Path == "/check" && r.Header.Get("X-Triptych-Client") == "" {
		runChecks(r.Context(), w)
		return
	}
	if err := l.open(r.Context()); err != nil {
		const detail = "The site cannot read its settings at the moment: try again in ten seconds."
		writeProblem(w, r, problem{Status: http.StatusServiceUnavailable, Detail: detail, retryAfter: 10 * time.Second, cause: err})
		return
	}
	// A CloudFront function replaces this header in every request (terraform/site.tf), so a client cannot choose it.
	r.RemoteAddr = net.JoinHostPort(r.Header.Get("X-Triptych-Client"), "0")
	l.handler.ServeHTTP(w, r)
}

func (l *lazyHandler) open(ctx context.Context) (err error) {
	if l.handler == nil {
		ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
		defer cancel()
		l.handler, err = open(ctx, nil)
	}
	return err
}

// When ctx ends, serve ends all event streams and gives other requests up to 10 s.
func serve(ctx context.Context, addr string) error {
	handler, err := open(ctx, ctx.Done())
	if err != nil {
		return err
	}
	defer telemetry.Flush(ctx)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	// The timeouts limit how long a client can hold a connection. Event streams set their own deadlines.
	server := &http.Server{
		Handler: handler, MaxHeaderBytes: 32 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("web is ready", "url", "http://"+listener.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", addr, err)
	case <-ctx.Done():
	}
	shutdown, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(shutdown); err != nil {
		return fmt.Errorf("waiting for open requests: %w", err)
	}
	return nil
}

//go:embed usage.txt
var usageText string

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), usageText)
	flag.PrintDefaults()
}
