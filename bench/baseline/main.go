// Command baseline makes the same three cloud calls as the product. It runs one of the two variants with which bench
// compares the product:
//
//	baseline direct HOST:PORT    serves HTTP: each POST of a picture.Picture returns when its Record is written
//	baseline plain               runs a workflow of three ordinary activities on the product's task queue
//
// Both variants use the worker's settings. Neither has a rate limit, heartbeats, a fallback to sending bytes, or a check for
// an existing Record.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/internal/vision"
	"triptych/picture"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("Baseline stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	steps, err := wire(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 2 && args[0] == "direct":
		return serveDirect(ctx, steps, args[1])
	case len(args) == 1 && args[0] == "plain":
		return servePlain(ctx, steps)
	}
	return fmt.Errorf("usage: baseline direct HOST:PORT | baseline plain")
}

func wire(ctx context.Context) (*steps, error) {
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	features, err := vision.ParseFeatures(s.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return nil, err
	}
	annotator, err := vision.Open(ctx, vision.ConfigFrom(s.Getenv, s.AWS))
	if err != nil {
		return nil, err
	}
	container, err := records.Open(records.ConfigFrom(s.Getenv, s.AWS))
	if err != nil {
		return nil, err
	}
	return &steps{s3: objects.Open(objects.Config{AWS: s.AWS}), vision: annotator, features: features, records: container}, nil
}

// serveDirect runs the HTTP server of the variant "direct". Each HTTP request processes one picture with calls to the
// three clouds. A failed call is not retried.
func serveDirect(ctx context.Context, s *steps, addr string) error {
	server := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p picture.Picture
		err := json.NewDecoder(r.Body).Decode(&p)
		if err == nil {
			err = s.process(r.Context(), p)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}
