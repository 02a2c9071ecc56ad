// Command baseline runs two simple implementations that bench compares with the product:
//
//   - `baseline direct HOST:PORT` is a server that makes the three cloud calls for one picture during an HTTP request.
//   - `baseline plain` is a Temporal worker whose workflow runs three ordinary activities.
//
// Both use the worker's settings, but have no rate limit, no heartbeats and no check for an existing Record. They send
// Google the URL of a picture, never the bytes.
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
	"triptych/internal/vision/features"
	"triptych/picture"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("baseline stopped", "error", err)
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
		return servePlain(ctx, steps, os.Getenv("TRIPTYCH_PAYLOAD_KEYS"))
	}
	return fmt.Errorf("usage: baseline direct HOST:PORT | baseline plain")
}

func wire(ctx context.Context) (*steps, error) {
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	features, err := features.Parse(s.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return nil, err
	}
	annotator, err := vision.Open(ctx, vision.Config{EmulatorHost: s.Getenv("VISION_EMULATOR_HOST"), AWS: s.AWS})
	if err != nil {
		return nil, err
	}
	container, err := records.Open(records.ConfigFrom(s.Getenv, s.AWS))
	if err != nil {
		return nil, err
	}
	return &steps{s3: objects.Open(s.AWS), vision: annotator, features: features, records: container}, nil
}

// serveDirect does not retry failed cloud calls.
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
