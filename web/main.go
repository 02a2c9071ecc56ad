// Web is the site and its API: one http.Handler that runs as a Lambda behind a function URL or as a plain
// server. It signs uploads, tells how far a picture has come and starts erasures. It never sees a
// picture's bytes, and it writes to no cloud itself.
package main

import (
	"context"
	"errors"
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
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`host:port` to serve on, when not in a Lambda")
	flag.Usage = usage
	flag.Parse()

	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
		lambdaurl.Start(new(onFirstUse))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr); err != nil {
		slog.Error("web stops", "error", err)
		os.Exit(1)
	}
}

// serve runs until ctx ends. Event streams are told to end, every other request may finish.
func serve(ctx context.Context, addr string) error {
	handler, err := open(ctx, ctx.Done())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", addr, err)
	}
	server := newServer(handler)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	slog.Info("web is ready", "url", "http://"+listener.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", addr, err)
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return errors.Join(fmt.Errorf("waiting for open requests: %w", err), server.Close())
	}
	return nil
}

// newServer bounds what a slow or hostile client can hold. An event stream lifts these bounds for itself
// and sets a new one before each write.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `web is the site and its API. Settings come from the environment:

  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, …   as the temporal CLI reads them
  AWS_REGION, AWS_ENDPOINT_URL_S3, …                          as the aws CLI reads them
  COSMOS_ENDPOINT, COSMOS_KEY                                 without a key: Azure's default credentials, or
  AZURE_FEDERATION=aws, AZURE_TENANT_ID, AZURE_CLIENT_ID      the AWS role is shown to Azure instead
  TRIPTYCH_BUCKET                                             the bucket of the pictures
  TRIPTYCH_ERASE_SECRET                                       what erase tokens are made with: 32 random bytes or more
  TRIPTYCH_RETENTION_DAYS                                     after how many days the clouds delete a picture, as the
                                                              page tells people; default: kept until it is erased
  TRIPTYCH_SSM_PATH                                           SSM parameters under this path overlay all of these

Flags:
`)
	flag.PrintDefaults()
}
