package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/local/stack"
	"triptych/local/supervisor"
	"triptych/picture"
)

// The children that run beside the pipeline.
const (
	defaultServer = "default-temporal"
	defaultWorker = "default"
	plainWorker   = "plain"
	directCaller  = "direct"
)

// variants are what can be measured, in the order of the table.
var variants = []string{"direct", "default", "plain", "triptych"}

// rig is everything that is measured, running.
type rig struct {
	stack     *stack.Stack
	arrivals  *arrivals
	bootstrap string // of the trigger, built as it is deployed
	answer    *visionpb.AnnotateImageResponse
	variants  []*variant
	say       io.Writer
	closers   []func()
}

func openRig(ctx context.Context, dir string, only []string, say io.Writer) (_ *rig, err error) {
	r := &rig{arrivals: &arrivals{awaited: map[picture.ID]chan time.Time{}}, say: say}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	fmt.Fprintln(say, "starting the local parts …")
	r.stack, err = stack.Open(ctx, stack.Config{
		Dir: dir, Addr: "127.0.0.1:0", Output: say,
		ExtraPrograms: map[string]string{"baseline": "./bench/baseline"}, WrapCosmos: r.arrivals.around,
	})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.stack.Close)
	if err := r.buildTrigger(ctx); err != nil {
		return nil, err
	}
	if err := r.askVision(ctx); err != nil {
		return nil, err
	}
	r.clouds(0, 0)
	open := map[string]func(context.Context) (*variant, error){
		"direct": r.direct, "default": r.defaults, "plain": r.plain, "triptych": r.triptych,
	}
	for _, name := range variants {
		if only != nil && !slices.Contains(only, name) {
			continue
		}
		v, err := open[name](ctx)
		if err != nil {
			return nil, err
		}
		r.variants = append(r.variants, v)
	}
	return r, nil
}

func (r *rig) close() {
	for i := range r.closers {
		r.closers[len(r.closers)-1-i]()
	}
}

// buildTrigger makes the bootstrap for this machine, otherwise as it is deployed.
func (r *rig) buildTrigger(ctx context.Context) error {
	root, err := supervisor.ModuleRoot(ctx)
	if err != nil {
		return err
	}
	r.bootstrap = filepath.Join(r.stack.Dir(), "trigger")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", "lambda.norpc", "-o", r.bootstrap, "./trigger")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the trigger: %w\n%s", err, out)
	}
	return nil
}

// askVision lets the local Vision really look at a portrait once; its answer is everyone's from then on, so that what
// is carried has the size of something real.
func (r *rig) askVision(ctx context.Context) error {
	root, err := supervisor.ModuleRoot(ctx)
	if err != nil {
		return err
	}
	portrait, err := os.ReadFile(filepath.Join(root, "emulators", "vision", "testdata", "astronaut.jpg"))
	if err != nil {
		return fmt.Errorf("finding a portrait: %w", err)
	}
	conn, err := grpc.NewClient(r.stack.Endpoints.Vision, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("reaching the local Vision: %w", err)
	}
	defer conn.Close()
	var features []*visionpb.Feature
	for _, name := range annotator.Features() {
		features = append(features, &visionpb.Feature{Type: visionpb.Feature_Type(visionpb.Feature_Type_value[name])})
	}
	answer, err := visionpb.NewImageAnnotatorClient(conn).BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{
		Requests: []*visionpb.AnnotateImageRequest{{Image: &visionpb.Image{Content: portrait}, Features: features}},
	})
	if err != nil {
		return fmt.Errorf("asking the local Vision: %w", err)
	}
	r.answer = answer.Responses[0]
	kept, err := protojson.Marshal(r.answer)
	if err != nil {
		return fmt.Errorf("encoding the answer of the local Vision: %w", err)
	}
	fmt.Fprintf(r.say, "Vision answers all with the same %d bytes of JSON; annotate is limited to %s a second\n", len(kept), r.limit())
	return nil
}

// limit is how many annotations a second the worker is told to stay below.
func (r *rig) limit() string {
	for _, setting := range r.stack.Environment() {
		if limit, found := strings.CutPrefix(setting, "TRIPTYCH_ANNOTATIONS_PER_SECOND="); found {
			return limit
		}
	}
	return "as many as the worker takes unless told"
}

// clouds sets how long Vision and Cosmos DB take over each call, beyond the work itself.
func (r *rig) clouds(vision, cosmosDB time.Duration) {
	r.stack.Vision.SetFault(annotator.Fault{Delay: vision, Response: proto.CloneOf(r.answer)})
	r.stack.Cosmos.SetFault(cosmosdb.Fault{Delay: cosmosDB})
}

func (r *rig) direct(context.Context) (*variant, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	r.stack.StartProgram(directCaller, "baseline", nil, "direct", addr)
	return &variant{name: "direct", worker: directCaller, rig: r, url: "http://" + addr}, nil
}

// defaults is the plain workflow on a dev server to which nothing is said but where to listen and keep its data.
func (r *rig) defaults(ctx context.Context) (*variant, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	database := filepath.Join(r.stack.Dir(), "default.db")
	r.stack.StartProgram(defaultServer, "temporal", nil, "server", "start-dev", "--headless", "--ip", host, "--port", port, "--db-filename", database)
	v := &variant{name: "default", server: defaultServer, worker: defaultWorker, database: database, rig: r}
	if err := r.connect(v, addr, client.DefaultNamespace); err != nil {
		return nil, err
	}
	if err := until(ctx, "the dev server of default settings", func(ctx context.Context) error {
		_, err := v.client.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}); err != nil {
		return nil, err
	}
	r.stack.StartProgram(defaultWorker, "baseline", environmentOf(addr, client.DefaultNamespace), "plain")
	return v, nil
}

// plain has a namespace of its own on the product's server: the trigger starts both by the same names.
func (r *rig) plain(ctx context.Context) (*variant, error) {
	addr, namespace := r.stack.Endpoints.Temporal, "plain"
	v := &variant{name: "plain", server: "temporal", worker: plainWorker, database: filepath.Join(r.stack.Dir(), "temporal.db"), rig: r}
	if err := r.connect(v, addr, namespace); err != nil {
		return nil, err
	}
	_, err := v.client.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if _, there := err.(*serviceerror.NamespaceAlreadyExists); err != nil && !there {
		return nil, fmt.Errorf("making a namespace: %w", err)
	}
	if err := until(ctx, "the namespace of plain", func(ctx context.Context) error { // it is known everywhere only later
		_, err := v.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace})
		return err
	}); err != nil {
		return nil, err
	}
	r.stack.StartProgram(plainWorker, "baseline", environmentOf(addr, namespace), "plain")
	return v, nil
}

func (r *rig) triptych(context.Context) (*variant, error) {
	v := &variant{name: "triptych", server: "temporal", worker: "worker", database: filepath.Join(r.stack.Dir(), "temporal.db"), rig: r}
	return v, r.connect(v, r.stack.Endpoints.Temporal, client.DefaultNamespace)
}

// connect gives the variant a client and a trigger of its own.
func (r *rig) connect(v *variant, addr, namespace string) (err error) {
	if v.client, err = client.NewLazyClient(client.Options{HostPort: addr, Namespace: namespace, Logger: quiet}); err != nil {
		return fmt.Errorf("making a Temporal client: %w", err)
	}
	r.closers = append(r.closers, v.client.Close)
	v.namespace, v.environment = namespace, append(r.stack.Environment(), environmentOf(addr, namespace)...)
	if v.function, err = r.openFunction(v); err != nil {
		return err
	}
	r.closers = append(r.closers, v.function.stop)
	return nil
}

func (r *rig) openFunction(v *variant) (*function, error) {
	dir, err := os.MkdirTemp(r.stack.Dir(), "function-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the trigger: %w", err)
	}
	return openFunction(r.bootstrap, dir, v.environment)
}

func environmentOf(addr, namespace string) []string {
	return []string{"TEMPORAL_ADDRESS=" + addr, "TEMPORAL_NAMESPACE=" + namespace}
}

// warmUp takes pictures through every variant until all connections are made and all caches filled.
func (r *rig) warmUp(ctx context.Context) error {
	for _, v := range r.variants {
		fmt.Fprintf(r.say, "warming up %s …\n", v.name)
		if _, err := r.flood(ctx, v, 20, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer ln.Close()
	return "127.0.0.1:" + strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), nil
}

// until repeats try until it succeeds, for up to a minute.
func until(ctx context.Context, what string, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := try(ctx)
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
