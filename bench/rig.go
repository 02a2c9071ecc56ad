package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/loopback"
	"triptych/internal/pipeline"
	"triptych/local/stack"
	"triptych/picture"
)

const (
	serverProcess  = "temporal"
	productProcess = "worker"
	directProcess  = "direct"
)

var (
	defaultVariants = []string{"direct", "plain", "triptych"}
	stockVariants   = []string{"plain-stock", "triptych-stock"} // on the Temporal CLI's dev server
	fullVariants    = slices.Concat(defaultVariants, stockVariants)
	allVariants     = slices.Concat(fullVariants, []string{postgresVariant})
)

// postgresVariant is triptych on Temporal's server with PostgreSQL. It is measured only with -only.
const postgresVariant = "triptych-postgres"

// portraitJSON is a complete annotation of emulators/vision/testdata/astronaut.jpg, so that payloads and Records have a
// realistic size.
//
//go:embed astronaut.json
var portraitJSON []byte

type rig struct {
	stack      *stack.Stack
	records    *recordWatch
	annotation *visionpb.AnnotateImageResponse
	variants   []*variant
	traces     []*variant // untraced and traced, if they are measured
	stock      server     // without address until it is started
	progress   io.Writer
	closers    []func() // called in reverse order
}

func openRig(ctx context.Context, dir string, names []string, progress io.Writer) (_ *rig, err error) {
	r := &rig{
		records:    &recordWatch{waiting: map[picture.ID]chan time.Time{}},
		annotation: &visionpb.AnnotateImageResponse{}, progress: progress,
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if err := protojson.Unmarshal(portraitJSON, r.annotation); err != nil {
		return nil, fmt.Errorf("reading the stored annotation: %w", err)
	}
	fmt.Fprintln(progress, "starting the local stack …")
	r.stack, err = stack.Open(ctx, stack.Config{
		Dir: dir, Addr: "127.0.0.1:0", Output: progress,
		ExtraPrograms: map[string]string{"baseline": "./bench/baseline"}, WrapCosmos: r.records.wrap,
	})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.stack.Close)
	r.setCloudDelays(0, 0)
	for _, limit := range r.stack.Environment() {
		if strings.HasPrefix(limit, "TRIPTYCH_ANNOTATIONS_PER_SECOND=") {
			fmt.Fprintln(progress, limit)
		}
	}
	if slices.Contains(names, traced) {
		if err := r.openTraces(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range allVariants {
		if !slices.Contains(names, name) {
			continue
		}
		v, err := r.open(ctx, name)
		if err != nil {
			return nil, err
		}
		r.variants = append(r.variants, v)
	}
	return r, nil
}

func (r *rig) open(ctx context.Context, name string) (*variant, error) {
	if name == "direct" {
		return r.openDirect(ctx)
	}
	s := r.temporalite()
	var err error
	switch {
	case slices.Contains(stockVariants, name):
		s, err = r.stockServer(ctx)
	case name == postgresVariant:
		s, err = r.postgresServer(ctx)
	}
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "plain") {
		return r.openPlain(ctx, name, s)
	}
	return r.openTriptych(name, s)
}

func (r *rig) close() {
	for _, closer := range slices.Backward(r.closers) {
		closer()
	}
}

func (r *rig) setCloudDelays(vision, cosmosDB time.Duration) {
	r.stack.Vision.SetFault(annotator.Fault{Delay: vision, Response: proto.CloneOf(r.annotation)})
	r.stack.Cosmos.SetFault(cosmosdb.Fault{Delay: cosmosDB})
}

func (r *rig) openDirect(ctx context.Context) (*variant, error) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		return nil, err
	}
	r.stack.StartProgram(directProcess, "baseline", nil, "direct", addr)
	err = waitUntilReady(ctx, "the process of direct", func(context.Context) error { return dial(addr) })
	return &variant{name: "direct", worker: directProcess, rig: r, url: "http://" + addr}, err
}

func (r *rig) openPlain(ctx context.Context, name string, s server) (*variant, error) {
	v, err := r.openInNamespace(ctx, &variant{name: name, worker: name, server: s, namespace: "plain"})
	if err != nil {
		return nil, err
	}
	r.stack.StartProgram(v.worker, "baseline", v.temporalEnv(), "plain")
	return v, nil
}

// openInNamespace creates the namespace of the variant.
func (r *rig) openInNamespace(ctx context.Context, v *variant, triggerEnv ...string) (*variant, error) {
	namespace := v.namespace
	v, err := r.openWithTemporal(v, triggerEnv...)
	if err != nil {
		return nil, err
	}
	if err := register(ctx, v.client, namespace); err != nil {
		return nil, err
	}
	// The server knows a new namespace only after it has refreshed its cache.
	return v, waitUntilReady(ctx, "the namespace "+namespace, func(ctx context.Context) error {
		_, err := v.countWorkflows(ctx, "ExecutionStatus = 'Running'")
		return err
	})
}

func register(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("creating the namespace %s: %w", namespace, err)
	}
	return nil
}

func waitUntilReady(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *rig) openTriptych(name string, s server) (*variant, error) {
	v, err := r.openWithTemporal(&variant{name: name, worker: productProcess, server: s, namespace: client.DefaultNamespace})
	if err == nil && s.process != serverProcess { // the stack has a worker for its own server only
		v.worker = name
		r.stack.StartProgram(v.worker, "worker", v.temporalEnv())
	}
	return v, err
}

func (r *rig) openWithTemporal(v *variant, triggerEnv ...string) (_ *variant, err error) {
	v.rig = r
	options := client.Options{HostPort: v.server.addr, Namespace: v.namespace, Logger: silentLogger}
	if v.client, err = pipeline.Dial(options, r.stack.Endpoints.PayloadKeys); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, v.client.Close)
	dir, err := os.MkdirTemp(r.stack.Dir(), "trigger-")
	if err != nil {
		return nil, fmt.Errorf("creating a directory for the trigger: %w", err)
	}
	env := slices.Concat(r.stack.Environment(), v.temporalEnv(), triggerEnv)
	if v.trigger, err = startTrigger(r.stack.Executable("trigger"), dir, env); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, v.trigger.stop)
	return v, nil
}

func (v *variant) temporalEnv() []string {
	return []string{"TEMPORAL_ADDRESS=" + v.server.addr, "TEMPORAL_NAMESPACE=" + v.namespace}
}

func (r *rig) warmUp(ctx context.Context) error {
	for _, v := range slices.Concat(r.variants, r.traces) {
		fmt.Fprintf(r.progress, "warming up %s …\n", v.name)
		if _, err := v.measureThroughput(ctx, 20, time.Second); err != nil {
			return err
		}
	}
	return nil
}
