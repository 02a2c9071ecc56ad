// Package stack composes the whole pipeline on one machine: the product's own programs as children, around local
// parts that speak S3, the Lambda runtime API, Cloud Vision, Cosmos DB and Temporal. Everything listens on
// loopback alone. kill -9 at any moment and another start on the same directory lose nothing.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/emulators/loopback"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
)

const (
	bucket = "triptych-pictures"
	region = "eu-central-1"
)

// Config is how a stack differs from the usual one.
type Config struct {
	Dir      string    // keeps everything; made if it is not there
	Addr     string    // of the site, host:port
	Temporal string    // a server that already runs; "" starts one
	Real     []string  // clouds to use for real: "aws", "google", "azure"
	Say      io.Writer // progress, for a person
	// Between, if there is one, says by which address the worker reaches a part ("s3", "vision", "cosmos", "temporal")
	// that is at addr.
	Between func(part, addr string) (string, error)

	Programs map[string]string               // more packages to build, by the name under which Run knows them
	Around   func(http.Handler) http.Handler // is put around the local Cosmos DB; nil for nothing
}

func (c Config) real(cloud string) bool { return slices.Contains(c.Real, cloud) }

// Endpoints is where everything is; DIR/endpoints.json holds it once all is ready.
type Endpoints struct {
	Site       string `json:"site"`
	S3         string `json:"s3"`
	Cosmos     string `json:"cosmos"`
	Vision     string `json:"vision"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporalUI"`
	Bucket     string `json:"bucket"`
	AccessKey  string `json:"accessKey"`
	SecretKey  string `json:"secretKey"`
	CosmosKey  string `json:"cosmosKey"`
}

// Stack is a running pipeline.
type Stack struct {
	Endpoints Endpoints
	Vision    *annotator.Server // nil when Google is real
	Cosmos    *cosmosdb.Server  // nil when Azure is real
	Lambda    *runtimeapi.Host
	// S3Control is the URL of the local S3's fault switch.
	S3Control string
	// LambdaURL is where S3 sends its events: the Invoke API of the trigger.
	LambdaURL string

	config   Config
	identity identity
	binaries binaries
	children map[string]*child
	stages   []*stage
	site     net.Listener // held from the start, so that nobody else takes the address
	switches *switches
	started  chan struct{} // closed when all is ready
	failed   chan error
	closers  []func() error
}

// stage is what is stopped together: the product first, then the clouds it still needs to stop well.
type stage struct {
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Open starts everything and returns once pictures can be taken. Call Close.
func Open(ctx context.Context, config Config) (_ *Stack, err error) {
	if config.Dir, err = filepath.Abs(config.Dir); err != nil {
		return nil, fmt.Errorf("finding the data directory: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(config.Dir, "logs"), 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	hold, err := tryLock(filepath.Join(config.Dir, "lock"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another triptych runs on %s: stop it, or start this one with -data and another directory", config.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	s := &Stack{
		config: config, children: map[string]*child{}, switches: newSwitches(), started: make(chan struct{}),
		failed: make(chan error, 16), closers: []func() error{hold.Close},
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.binaries, err = build(ctx, config.Programs, config.Say); err != nil {
		return nil, err
	}
	return s, s.start(ctx)
}

func (s *Stack) start(ctx context.Context) (err error) {
	if s.identity, err = s.config.identify(); err != nil {
		return err
	}
	if err := s.place(); err != nil {
		return err
	}
	if err := s.startClouds(s.stage(ctx)); err != nil {
		return err
	}
	if err := s.awaitClouds(ctx); err != nil {
		return err
	}
	s.startSite(s.stage(ctx)) // before the product, so that it is stopped after: open requests may finish
	if err := s.startProduct(ctx, s.stage(ctx)); err != nil {
		return err
	}
	close(s.started)
	return writeJSON(filepath.Join(s.config.Dir, "endpoints.json"), s.Endpoints, 0o600)
}

// stage begins one. What runs in it outlives the context of its start, and ends with Close.
func (s *Stack) stage(ctx context.Context) context.Context {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stages = append(s.stages, &stage{stop: stop})
	return running
}

// place decides where everything will be.
func (s *Stack) place() error {
	host, _, err := net.SplitHostPort(s.config.Addr)
	if err != nil {
		return fmt.Errorf("-addr %s: want host:port", s.config.Addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("-addr %s: the site is only for this machine: use 127.0.0.1 or localhost", s.config.Addr)
	}
	if s.site, err = net.Listen("tcp", s.config.Addr); err != nil {
		return fmt.Errorf("the site cannot have %s (%w): stop what is there, or choose with -addr", s.config.Addr, err)
	}
	s.closers = append(s.closers, func() error {
		s.site.Close() // unless the server that took it over did
		return nil
	})
	id := s.identity
	s.config.Addr = net.JoinHostPort(host, strconv.Itoa(s.site.Addr().(*net.TCPAddr).Port))
	s.Endpoints = Endpoints{
		Site:     "http://" + s.config.Addr,
		S3:       "http://" + id.addr("s3"),
		Cosmos:   "http://" + id.addr("cosmos"),
		Vision:   id.addr("vision"),
		Temporal: id.addr("temporal"), TemporalUI: "http://" + id.addr("temporalUI"),
		Bucket:    bucket,
		AccessKey: id.AccessKey, SecretKey: id.SecretKey, CosmosKey: id.CosmosKey,
	}
	if s.config.Temporal != "" {
		s.Endpoints.Temporal, s.Endpoints.TemporalUI = s.config.Temporal, ""
	}
	if err := s.useReal(); err != nil {
		return err
	}
	s.S3Control = "http://" + id.addr("control")
	s.LambdaURL = "http://" + id.addr("lambda") + "/2015-03-31/functions/trigger/invocations"
	return nil
}

// startClouds starts the local part of every cloud that is not real, and Temporal.
func (s *Stack) startClouds(ctx context.Context) error {
	if s.config.Temporal == "" {
		// A third of the dev server's time is Go's own; memory is the cheaper.
		s.spawn(ctx, "temporal", append(s.environment(), "GOGC=400"), s.temporalArgs()...)
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
	if err := s.startLambda(ctx); err != nil {
		return err
	}
	if s.config.real("aws") {
		return s.startWatch(ctx)
	}
	_, port, _ := net.SplitHostPort(s.config.Addr)
	s.spawn(ctx, "s3", s.environment(), "-dir", filepath.Join(s.config.Dir, "s3"), "-addr", s.identity.addr("s3"), "-bucket", bucket,
		"-origin", s.Endpoints.Site+",http://localhost:"+port, "-notify", s.LambdaURL, "-control", s.identity.addr("control"))
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
	ln, err := net.Listen("tcp", s.identity.addr("vision"))
	if err != nil {
		return fmt.Errorf("starting the Vision server: %w", err)
	}
	s.task(func() error { return s.Vision.Serve(ctx, ln) })
	return nil
}

func (s *Stack) startCosmos(ctx context.Context) error {
	var err error
	if s.Cosmos, err = cosmosdb.Open(filepath.Join(s.config.Dir, "cosmos.db"), s.identity.CosmosKey); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Cosmos.Close)
	handler := http.Handler(s.Cosmos)
	if s.config.Around != nil {
		handler = s.config.Around(handler)
	}
	if err := s.serve(ctx, "cosmos", handler); err != nil {
		return err
	}
	return records.Provision(ctx, s.Endpoints.Cosmos, s.identity.CosmosKey)
}

// startLambda starts the host of the trigger.
func (s *Stack) startLambda(ctx context.Context) error {
	log, err := s.openLog("trigger")
	if err != nil {
		return err
	}
	s.Lambda, err = runtimeapi.New(runtimeapi.Config{
		Name:        "trigger",
		Bootstrap:   s.binaries["trigger"],
		Env:         s.environment(),
		Dir:         filepath.Join(s.config.Dir, "lambda"),
		Timeout:     10 * time.Second,
		Concurrency: 4,
		// More patient than AWS, whose on-failure queue someone watches. What ends in the dead letters all the same
		// is delivered again by the next start.
		Backoff: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute},
		Stderr:  log,
	})
	if err != nil {
		return err
	}
	if n, err := s.Lambda.Redrive(ctx); err != nil {
		return err
	} else if n > 0 {
		fmt.Fprintf(s.config.Say, "%d dead letters are delivered again\n", n)
	}
	s.task(func() error { return s.Lambda.Run(ctx) })
	return s.serve(ctx, "lambda", s.Lambda)
}

// openLog is the log of a part that is no child.
func (s *Stack) openLog(name string) (*os.File, error) {
	log, err := os.OpenFile(filepath.Join(s.config.Dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	s.closers = append(s.closers, log.Close)
	return log, nil
}

// startProduct starts what is also deployed, and waits until it serves.
func (s *Stack) startProduct(ctx, running context.Context) error {
	ready := filepath.Join(s.config.Dir, "worker.ready")
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("starting the worker: %w", err)
	}
	env, err := s.workerEnvironment()
	if err != nil {
		return err
	}
	s.spawn(running, "worker", env, "-ready", ready)
	s.spawn(running, "web", s.environment(), "-addr", s.identity.addr("web"))
	if err := s.await(ctx, "web", func() bool { return answers(ctx, s.Endpoints.Site+"/healthz") }); err != nil {
		return err
	}
	return s.await(ctx, "worker", func() bool { _, err := os.Stat(ready); return err == nil })
}

// spawn keeps one of the binaries running until ctx ends.
func (s *Stack) spawn(ctx context.Context, name string, env []string, args ...string) {
	s.launch(ctx, name, name, env, args)
}

func (s *Stack) launch(ctx context.Context, name, program string, env, args []string) {
	c := &child{
		name: name, path: s.binaries[program], args: args, env: env,
		dir: filepath.Join(s.config.Dir, "logs"), say: s.config.Say,
	}
	s.children[name] = c
	s.task(func() error { return c.run(ctx) })
}

// serve answers HTTP on the port of that name until ctx ends.
func (s *Stack) serve(ctx context.Context, name string, handler http.Handler) error {
	ln, err := net.Listen("tcp", s.identity.addr(name))
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	s.answer(ctx, name, ln, loopback.Programs(handler))
	return nil
}

func (s *Stack) answer(ctx context.Context, name string, ln net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.task(func() error {
		<-ctx.Done()
		return server.Close()
	})
	s.task(func() error {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving %s: %w", name, err)
		}
		return nil
	})
}

// task runs f in the stage that has begun last; its failure ends Wait.
func (s *Stack) task(f func() error) {
	s.stages[len(s.stages)-1].tasks.Go(func() {
		if err := f(); err != nil {
			s.fail(err)
		}
	})
}

func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Wait returns when ctx ends, or with the reason why the stack cannot go on.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Close stops everything and leaves only the data directory behind.
func (s *Stack) Close() {
	for _, stage := range slices.Backward(s.stages) {
		stage.stop()
		stage.tasks.Wait()
	}
	for _, c := range slices.Backward(s.closers) {
		if err := c(); err != nil {
			fmt.Fprintf(s.config.Say, "closing: %v\n", err)
		}
	}
}

// Signal sends one to a child: "worker", "web", "s3" or "temporal". If that ends it, it is started again.
func (s *Stack) Signal(name string, signal syscall.Signal) error {
	c, ok := s.children[name]
	if !ok {
		return fmt.Errorf("there is no child %q", name)
	}
	pid := int(c.pid.Load())
	if pid == 0 {
		return fmt.Errorf("%s is not running", name)
	}
	c.told.Store(true)
	return syscall.Kill(pid, signal)
}

// String is where everything is, for a person.
func (e Endpoints) String() string {
	var b strings.Builder
	for _, line := range [][2]string{{"site", e.Site}, {"Temporal UI", e.TemporalUI}, {"Temporal", e.Temporal},
		{"S3", e.S3 + "/" + e.Bucket}, {"Cloud Vision", e.Vision}, {"Cosmos DB", e.Cosmos}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", line[0], line[1])
		}
	}
	return b.String()
}

// Dir is where everything is kept.
func (s *Stack) Dir() string { return s.config.Dir }
