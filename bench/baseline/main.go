// Command baseline is what the product is measured against: the same three calls to the same clouds, made one after
// the other (direct), or as the three activities of the plainest workflow there is (plain).
//
//	baseline direct HOST:PORT    answers POST of a picture.Picture once its Record is written
//	baseline plain               serves the queue that the trigger starts pictures on
//
// It takes the worker's settings and has nothing of what the worker adds: no limit, no heartbeat, no other way.
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

	"triptych/activities"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("baseline stopped", "why", err)
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
	features, err := activities.ParseFeatures(os.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return nil, err
	}
	s3, err := objects.Open(ctx)
	if err != nil {
		return nil, err
	}
	vision, err := activities.OpenVision(ctx)
	if err != nil {
		return nil, err
	}
	container, err := records.Open(os.Getenv("COSMOS_ENDPOINT"), os.Getenv("COSMOS_KEY"))
	if err != nil {
		return nil, err
	}
	return &steps{s3: s3, vision: vision, features: features, records: container}, nil
}

// serveDirect is one function that calls the three clouds: whatever fails, fails.
func serveDirect(ctx context.Context, s *steps, addr string) error {
	server := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p picture.Picture
		err := json.NewDecoder(r.Body).Decode(&p)
		if err == nil {
			err = s.all(r.Context(), p)
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
