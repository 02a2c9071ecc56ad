// Command worker runs the workflows and activities. A worker stores nothing, so any other worker can take over.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	_ "golang.org/x/crypto/x509roots/fallback" // the worker's image contains no root certificates
	"golang.org/x/sync/semaphore"

	"triptych/activities"
	"triptych/internal/flags"
	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/internal/telemetry"
	"triptych/internal/vision"
	"triptych/picture"
	"triptych/workflows"
)

func main() {
	slog.SetDefault(telemetry.NewLogger(os.Stderr, os.Getenv))
	ready := flag.String("ready", "", "create this `file` when the worker serves both queues, and remove it at shutdown")
	health := flag.String("health", "", "accept TCP connections at this `host:port` while the worker serves both queues")
	healthy := flag.String("healthy", "", "exit with status 0 if the worker with -health `host:port` accepts a connection, otherwise 1")
	checks := flag.Bool("check", false, "call each cloud as the program does, print what works, and exit with status 0 if all of it does, otherwise 1")
	reference := flag.String("story", "", "tell in sentences what happened to a picture, and exit; the `reference` is a picture ID, an object key, a workflow ID or a run ID")
	flag.Usage = usage
	flags.Parse("healthy", "story")
	if *healthy != "" { // for ECS; the worker's image contains no other program
		if _, err := net.DialTimeout("tcp", *healthy, 3*time.Second); err != nil {
			fmt.Fprintln(os.Stderr, "The worker does not serve yet, or has stopped:", err)
			os.Exit(1)
		}
		return
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the worker
	if *checks {
		os.Exit(min(runChecks(ctx, os.Stdout), 1))
	}
	if *reference != "" {
		if err := tellStory(ctx, os.Stdout, *reference); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *ready, *health); err != nil {
		slog.Error("worker stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ready, health string) error {
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var s settings.Settings
	err := retryStart(starting, func(err error) bool { return errors.Is(err, settings.ErrSSM) }, func() (err error) {
		s, err = settings.Load(starting)
		return err
	})
	if err != nil {
		return err
	}
	c, a, temporal, err := connect(ctx, s)
	if err != nil {
		return err
	}
	defer telemetry.Flush(ctx) // after the workers have stopped
	defer temporal.Close()
	err = retryStart(starting, refusedOrUnavailable, func() error {
		return prepareTemporal(starting, temporal, cmp.Or(c.Temporal.Namespace, client.DefaultNamespace))
	})
	if err != nil {
		return err
	}
	return serveQueues(ctx, c, a, temporal, ready, health)
}

func prepareTemporal(ctx context.Context, temporal client.Client, namespace string) error {
	err := createSchedules(ctx, temporal) // also tests the connection: Temporal Cloud does not support health checks
	if err == nil {
		err = createSearchAttributes(ctx, temporal, namespace)
	}
	if err == nil {
		// The SDK makes the same call when a worker starts, and does not repeat it if Temporal refuses the key.
		_, err = temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	}
	if err != nil {
		return fmt.Errorf("calling Temporal (check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_API_KEY, or start a server: see \"Use real clouds from your machine\" in docs/operations.md): %w", err)
	}
	return nil
}

// serveQueues executes workflows and activities until ctx is cancelled.
func serveQueues(ctx context.Context, c config, a *activities.Activities, temporal client.Client, ready, health string) error {
	fatal := make(chan error, 2)
	var stopped sync.WaitGroup
	defer stopped.Wait()
	for _, w := range newWorkers(temporal, a, c.annotationsPerSecond, fatal) {
		if err := w.Start(); err != nil {
			return fmt.Errorf("starting to serve the task queues: %w", err)
		}
		defer stopped.Go(w.Stop) // concurrently, so that neither takes new work while the other one stops
	}
	if ready != "" {
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			return fmt.Errorf("creating the -ready file: %w", err)
		}
		defer os.Remove(ready)
	}
	if health != "" {
		l, err := net.Listen("tcp", health)
		if err != nil {
			return fmt.Errorf("listening for health checks: %w", err)
		}
		defer l.Close()
		go acceptHealthChecks(l)
	}
	slog.Info("serving", "queues", []string{picture.PicturesQueue, picture.AnnotateQueue}, "annotationsPerSecond", c.annotationsPerSecond, "annotationsPerDay", c.annotationsPerDay)
	select {
	case <-ctx.Done():
		slog.Info("shutting down")
		return nil
	case err := <-fatal:
		return fmt.Errorf("serving the task queues: %w", err)
	}
}

// connect makes the clients but calls no cloud.
func connect(ctx context.Context, s settings.Settings) (config, *activities.Activities, client.Client, error) {
	if err := telemetry.Start(ctx, "worker", s.Getenv); err != nil {
		return config{}, nil, nil, err
	}
	c, err := readConfig(s)
	if err != nil {
		return config{}, nil, nil, err
	}
	a, err := open(ctx, c)
	if err != nil {
		return config{}, nil, nil, err
	}
	c.Temporal.DataConverter = pipeline.WorkerConverter()
	temporal, err := pipeline.Dial(c.Temporal, c.Getenv("TRIPTYCH_PAYLOAD_KEYS"))
	return c, a, temporal, err
}

func open(ctx context.Context, c config) (*activities.Activities, error) {
	annotator, err := vision.Open(ctx, c.vision)
	if err != nil {
		return nil, err
	}
	container, err := records.Open(c.records)
	if err != nil {
		return nil, err
	}
	limit := &records.DailyLimit{Records: container, PerDay: c.annotationsPerDay}
	limit.MeasureRemaining()
	return &activities.Activities{
		S3: objects.Open(c.AWS), Bucket: c.bucket, Vision: annotator, VisionParent: c.visionParent, Records: container, Features: c.features,
		DailyLimit:  limit,
		InlineBytes: semaphore.NewWeighted(activities.InlineBytesLimit),
	}, nil
}

// The activity annotate has its own task queue, because Temporal's rate limit applies to a whole task queue.
func newWorkers(c client.Client, a *activities.Activities, annotationsPerSecond float64, fatal chan<- error) []worker.Worker {
	options := worker.Options{
		Interceptors:      []interceptor.WorkerInterceptor{&attempts{}},
		WorkerStopTimeout: stopTimeout,
		// By default, the SDK delays heartbeats by up to 80 % of their timeout: too long on a slow network.
		MaxHeartbeatThrottleInterval: time.Second,
		OnFatalError:                 func(err error) { fatal <- err }, // once per worker
		PreferredVersionProvider:     workflows.PreferredVersion,
		// With a fixed number of pollers, all may poll the worker's sticky queue after Temporal has reported a backlog that no longer
		// exists. New pictures, which are in the common queue, then wait for up to 60 s. Autoscaling keeps a poller at each queue.
		// Latency of live pictures beside a backlog of 5,000: with at most 3 pollers per queue, p50 is 62 ms and p99 150 ms. With at
		// most 1 or 2, p50 exceeds 200 ms. With the default of 100, p99 is 500 ms.
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{MaximumNumberOfPollers: 3}),
	}
	// An open workflow in the cache takes about 55 kB, garbage included (80 MB for 1,450). The default limit of 10,000 would allow
	// 550 MB, and pictures that are sent as bytes need 400 MB.
	worker.SetStickyWorkflowCacheSize(2000)
	pictures := worker.New(c, picture.PicturesQueue, options)
	pictures.RegisterWorkflowWithOptions(workflows.AnnotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	pictures.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	pictures.RegisterWorkflowWithOptions(workflows.ErasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	a.RegisterMain(pictures)

	options.TaskQueueActivitiesPerSecond = annotationsPerSecond
	options.DisableWorkflowWorker = true
	// Vision's default quota is 30 requests/s, and a request takes 1.6 s: 48 concurrent requests.
	options.MaxConcurrentActivityExecutionSize = 50
	annotate := worker.New(c, picture.AnnotateQueue, options)
	a.RegisterAnnotate(annotate)
	return []worker.Worker{annotate, pictures}
}

//go:embed usage.txt
var usageText string

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), usageText)
	flag.PrintDefaults()
}
