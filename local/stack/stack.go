// Package stack runs the pipeline on one machine, on loopback only, with emulators of the clouds and a Temporal
// server. A restart with the same data directory loses no data, even after kill -9.
package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/emulators/privatedir"
	"triptych/emulators/ssm"
	"triptych/emulators/vision/annotator"
	"triptych/local/collector"
	"triptych/local/gateway"
	"triptych/local/permissions"
	"triptych/local/supervisor"
)

var (
	// The S3 emulator needs a process of its own, because the library versitygw changes the working directory.
	sitePrograms = map[string]string{"web": "./web", "s3": "./emulators/s3"}

	// They are used only when Temporal runs. If it must be built first, they are built after the site is open.
	temporalPrograms = map[string]string{"worker": "./worker", "trigger": "./trigger", "codec": "./codec"}
)

// Stack is a running pipeline.
type Stack struct {
	Endpoints Endpoints
	Vision    *annotator.Server // nil if the real Google is used
	Cosmos    *cosmosdb.Server  // nil if the real Azure is used
	Traces    collector.Collector
	Lambda    *runtimeapi.Host
	LambdaURL string // of the trigger in the Invoke API, which receives the S3 events

	config      Config
	permissions map[string]permissions.Program
	ssm         *ssm.Server // nil if the real AWS is used
	identity    identity
	executables map[string]string
	children    map[string]*supervisor.Process
	stages      []*stage
	site        net.Listener
	web         string                        // host:port of the web program
	building    atomic.Pointer[gateway.Build] // of the Temporal server; nil if it was built before
	serverBuilt chan struct{}                 // closed when the Temporal server can be started
	ready       chan struct{}                 // closed when all programs are ready

	programsBuilt chan struct{} // closed when the programs are built; used only if the Temporal server must be built too
	temporalReady chan struct{} // closed when Temporal accepts workflows

	failed  chan error
	closers []func() error
}

// Open returns when everything is ready. While the Temporal server is built, the site already accepts pictures, which
// wait.
func Open(ctx context.Context, config Config) (_ *Stack, err error) {
	if config.Dir, err = filepath.Abs(config.Dir); err != nil {
		return nil, fmt.Errorf("resolving the data directory: %w", err)
	}
	if err := privatedir.Create(config.Dir, "lock"); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w; or choose another directory with -data", err)
	}
	if err := os.MkdirAll(filepath.Join(config.Dir, "logs"), 0o700); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	lock, err := supervisor.TryLock(filepath.Join(config.Dir, "lock"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another local pipeline uses %s: stop it, or choose another directory with -data", config.Dir)
	}
	if err != nil {
		return nil, err
	}
	s := &Stack{
		config: config, children: map[string]*supervisor.Process{}, failed: make(chan error, 16), closers: []func() error{lock.Close},
		serverBuilt: make(chan struct{}), programsBuilt: make(chan struct{}), temporalReady: make(chan struct{}), ready: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	return s, s.start(ctx)
}

func (s *Stack) start(ctx context.Context) (err error) {
	if s.identity, err = s.config.identify(); err != nil {
		return err
	}
	if s.permissions, err = permissions.Load(bucket); err != nil {
		return err
	}
	if err := s.listenSite(); err != nil {
		return err
	}
	if err := s.setEndpoints(); err != nil {
		return err
	}
	if err := s.checkSettings(); err != nil { // before minutes of building
		return err
	}
	if err := s.config.checkTemporal(ctx); err != nil {
		return err
	}
	web, err := s.hiddenPort()
	if err != nil {
		return err
	}
	s.web = loopbackAddr(web)
	if s.config.Temporal == "" {
		if err := s.startTemporal(s.newStage()); err != nil {
			return err
		}
	}
	if err := s.buildForSite(ctx); err != nil {
		return err
	}
	if err := s.startClouds(s.newStage()); err != nil {
		return err
	}
	if err := s.awaitClouds(ctx); err != nil {
		return err
	}
	// The gateway is started first and therefore stopped last, so that open requests can finish.
	gateway := s.newStage()
	s.serve(gateway, "site", s.site, s.gateway().Handler(gateway))
	product := s.newStage()
	if err := s.startWeb(ctx, product); err != nil {
		return err
	}
	if s.building.Load() != nil {
		if err := s.build(ctx, temporalPrograms); err != nil {
			return err
		}
		close(s.programsBuilt)
	}
	if err := s.startCodec(product); err != nil {
		return err
	}
	if s.config.Temporal == "" {
		if err := s.awaitServer(ctx); err != nil {
			return err
		}
	}
	close(s.temporalReady)
	if err := s.startWorker(ctx, product); err != nil {
		return err
	}
	close(s.ready)
	return writeJSON(filepath.Join(s.config.Dir, "endpoints.json"), s.Endpoints, 0o600)
}

// buildForSite builds what opens the site, and the other programs too unless they can wait.
func (s *Stack) buildForSite(ctx context.Context) (err error) {
	packages := maps.Clone(sitePrograms)
	maps.Copy(packages, s.config.ExtraPrograms)
	all := maps.Clone(packages)
	maps.Copy(all, temporalPrograms)
	if s.building.Load() == nil {
		packages = all
	}
	if s.executables, err = supervisor.Executables(ctx, all); err != nil {
		return err
	}
	return s.build(ctx, packages)
}

// build returns earlier if another part of the stack fails, for example the download of the Temporal server.
func (s *Stack) build(ctx context.Context, packages map[string]string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	built := make(chan error, 1)
	go func() { built <- supervisor.Build(ctx, packages, s.config.Output) }()
	select {
	case err := <-built:
		return err
	case err := <-s.failed:
		stop()
		<-built     // removes temporary files
		s.fail(err) // for Wait
		return err
	}
}

// Wait returns nil when ctx is cancelled, or an error as soon as a part of the stack fails.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Close stops the stack and keeps the data directory.
func (s *Stack) Close() {
	for _, stage := range slices.Backward(s.stages) {
		stage.stop()
		stage.tasks.Wait()
	}
	for _, c := range slices.Backward(s.closers) {
		if err := c(); err != nil {
			fmt.Fprintf(s.config.Output, "Closing failed: %v\n", err)
		}
	}
}
