package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/emulators/vision/annotator"
	"triptych/internal/loopback"
	"triptych/internal/records"
)

// startClouds always starts the Lambda emulator, because the trigger runs locally even with real clouds.
func (s *Stack) startClouds(ctx context.Context) error {
	if s.config.OTLP {
		if err := s.listenAndServe(ctx, "traces", s.Traces.Handler()); err != nil {
			return err
		}
	}
	if !s.config.real("google") {
		if err := s.startVision(ctx); err != nil {
			return err
		}
	}
	if !s.config.real("azure") {
		if err := s.startCosmos(ctx); err != nil {
			return err
		}
	}
	if !s.config.real("aws") {
		if err := s.startSSM(ctx); err != nil {
			return err
		}
	}
	if err := s.startLambda(ctx); err != nil {
		return err
	}
	if s.config.real("aws") {
		return s.watchBucket(ctx)
	}
	return s.startS3(ctx)
}

func (s *Stack) startS3(ctx context.Context) error {
	users, err := s.writeUsers()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.config.Addr)
	s.spawn(ctx, "s3", "s3", s.Environment(), "-dir", filepath.Join(s.config.Dir, "s3"), "-addr", s.identity.addr("s3"), "-bucket", bucket,
		"-origin", s.Endpoints.Site+",http://localhost:"+port, "-notify", s.LambdaURL, "-control", s.identity.addr("control"), "-users", users)
	return nil
}

func (s *Stack) startVision(ctx context.Context) error {
	var err error
	if s.Vision, err = annotator.New(); err != nil {
		return err
	}
	bills, err := s.openLog("vision")
	if err != nil {
		return err
	}
	s.Vision.BillTo(bills)
	s.Vision.CacheDetections()
	ln, err := net.Listen("tcp", s.identity.addr("vision"))
	if err != nil {
		return fmt.Errorf("starting the Vision emulator: %w", err)
	}
	s.goTask(func() error { return s.Vision.Serve(ctx, ln) })
	return nil
}

func (s *Stack) startCosmos(ctx context.Context) error {
	var err error
	if s.Cosmos, err = cosmosdb.Open(filepath.Join(s.config.Dir, "cosmos.db"), s.identity.CosmosKey); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Cosmos.Close)
	if err := s.Cosmos.Provision(records.Database, records.ContainerName); err != nil {
		return err
	}
	if err := s.admitPrograms(); err != nil {
		return err
	}
	handler := http.Handler(s.Cosmos)
	if s.config.WrapCosmos != nil {
		handler = s.config.WrapCosmos(handler)
	}
	return s.listenAndServe(ctx, "cosmos", loopback.RefuseBrowsers(handler))
}

func (s *Stack) startLambda(ctx context.Context) error {
	log, err := s.openLog("trigger")
	if err != nil {
		return err
	}
	s.Lambda, err = runtimeapi.New(runtimeapi.Config{
		Name:        "trigger",
		Bootstrap:   s.executables["trigger"],
		Env:         s.Publish("trigger", s.ProgramEnvironment("trigger")),
		Dir:         filepath.Join(s.config.Dir, "lambda"),
		Timeout:     10 * time.Second,
		Concurrency: 4,
		// AWS retries an event only twice. The emulator retries more often, because a developer does not watch for
		// dead letters.
		Backoff: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute},
		Stderr:  log,
	})
	if err != nil {
		return err
	}
	if n, err := s.Lambda.Redrive(); err != nil {
		return err
	} else if n > 0 {
		fmt.Fprintf(s.config.Output, "Delivering %d dead letters again\n", n)
	}
	s.goTask(func() error {
		select { // events wait, because each would become a dead letter if Temporal is built for more than 7 minutes
		case <-s.temporalReady:
		case <-ctx.Done():
		}
		return s.Lambda.Run(ctx)
	})
	return s.listenAndServe(ctx, "lambda", loopback.RefuseBrowsers(s.Lambda))
}
