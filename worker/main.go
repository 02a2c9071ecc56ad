// Command worker carries pictures through the three clouds: it serves both task queues until it is told to
// stop, and then hands over what it was doing. It keeps nothing; kill it and another takes up its pictures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	_ "golang.org/x/crypto/x509roots/fallback" // where there are no root certificates, as in the worker's image
	"golang.org/x/sync/semaphore"

	"triptych/activities"
	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/picture"
	"triptych/workflows"
)

func main() {
	slog.SetDefault(slog.New(handler(os.Stderr)))
	ready := flag.String("ready", "", "create this `file` once the worker serves both queues, and remove it on stopping")
	flag.Usage = usage
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	if err := run(ctx, *ready); err != nil {
		slog.Error("worker stopped", "why", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ready string) error {
	steps, perSecond, err := wire(ctx)
	if err != nil {
		return err
	}
	c, err := pipeline.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := schedule(ctx, c); err != nil { // and so ask whether Temporal is there: Temporal Cloud answers no health check
		return fmt.Errorf("asking Temporal for the first thing (check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or start one with: go tool -modfile=tools/go.mod temporal server start-dev): %w", err)
	}
	fatal := make(chan error, 2)
	var stopped sync.WaitGroup
	defer stopped.Wait()
	for _, w := range workers(c, steps, perSecond, fatal) {
		if err := w.Start(); err != nil {
			return fmt.Errorf("starting to serve Temporal's queues: %w", err)
		}
		defer stopped.Go(w.Stop) // all at once: none takes new work while another finishes
	}
	if ready != "" {
		if err := os.WriteFile(ready, nil, 0o644); err != nil {
			return fmt.Errorf("saying that the worker is ready: %w", err)
		}
		defer os.Remove(ready)
	}
	slog.Info("serving", "queues", []string{picture.PicturesQueue, picture.AnnotateQueue}, "annotationsPerSecond", perSecond)
	select {
	case <-ctx.Done():
		slog.Info("stopping: finishing what is soon done, handing over the rest")
		return nil
	case err := <-fatal:
		return fmt.Errorf("serving Temporal's queues: %w", err)
	}
}

// wire reads the settings and opens the three clouds.
func wire(ctx context.Context) (*activities.Activities, float64, error) {
	if err := settings.Load(ctx); err != nil {
		return nil, 0, err
	}
	if err := settings.Require("TRIPTYCH_BUCKET", "COSMOS_ENDPOINT"); err != nil {
		return nil, 0, err
	}
	perSecond, err := annotationsPerSecond(os.Getenv("TRIPTYCH_ANNOTATIONS_PER_SECOND"))
	if err != nil {
		return nil, 0, err
	}
	features, err := activities.ParseFeatures(os.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return nil, 0, err
	}
	s3, err := objects.Open(ctx)
	if err != nil {
		return nil, 0, err
	}
	vision, err := activities.OpenVision(ctx)
	if err != nil {
		return nil, 0, err
	}
	container, err := records.Open(os.Getenv("COSMOS_ENDPOINT"), os.Getenv("COSMOS_KEY"))
	if err != nil {
		return nil, 0, err
	}
	return &activities.Activities{S3: s3, Bucket: os.Getenv("TRIPTYCH_BUCKET"), Vision: vision, Records: container, Features: features,
		InlineBytes: semaphore.NewWeighted(activities.InlineBytesLimit)}, perSecond, nil
}

// workers are two, because a rate limit holds for a whole queue and only annotate is to be limited.
func workers(c client.Client, steps *activities.Activities, perSecond float64, fatal chan<- error) []worker.Worker {
	options := worker.Options{
		Interceptors:      []interceptor.WorkerInterceptor{&attempts{}, &activities.HandOver{}},
		WorkerStopTimeout: activities.WorkerStopTimeout,
		// The SDK would hold back heartbeats for 80 % of their timeout, which leaves too little for a slow network.
		MaxHeartbeatThrottleInterval: time.Second,
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default:
			}
		},
	}
	quick := worker.New(c, picture.PicturesQueue, options)
	quick.RegisterWorkflowWithOptions(workflows.AnnotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	quick.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	quick.RegisterWorkflowWithOptions(workflows.ErasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	steps.RegisterMain(quick)

	options.TaskQueueActivitiesPerSecond = perSecond
	options.DisableWorkflowWorker = true
	options.MaxConcurrentActivityExecutionSize = atOnce
	annotate := worker.New(c, picture.AnnotateQueue, options)
	steps.RegisterAnnotate(annotate)
	return []worker.Worker{annotate, quick}
}

// atOnce fills Vision's quota at a second a picture, with some to spare. Of pictures that are sent by bytes, and so
// take memory, there may be fewer: activities.InlineBytesLimit.
const atOnce = 50

// visionQuota is what Google grants a new project: 1,800 requests a minute
// (https://cloud.google.com/vision/quotas).
const visionQuota = 30

func annotationsPerSecond(setting string) (float64, error) {
	if setting == "" {
		return visionQuota, nil
	}
	n, err := strconv.ParseFloat(setting, 64)
	if err != nil || !(n > 0) {
		return 0, errors.New("TRIPTYCH_ANNOTATIONS_PER_SECOND must be a number above 0, such as 0.5 or 30")
	}
	return n, nil
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `worker carries pictures through the three clouds. Settings come from the environment:

  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, …   as the temporal CLI reads them
  AWS_REGION, AWS_ENDPOINT_URL_S3, …                          as the aws CLI reads them
  GOOGLE_CREDENTIALS_CONFIG                                   a credential configuration (JSON) by which Google knows the AWS role;
                                                              without it GOOGLE_APPLICATION_CREDENTIALS, … or, for a local server,
                                                              VISION_EMULATOR_HOST
  TRIPTYCH_VISION_ENDPOINT                                    such as eu-vision.googleapis.com:443; default: Google chooses
  COSMOS_ENDPOINT                                             the account of the Records, and one of:
  AZURE_FEDERATION=aws, AZURE_TENANT_ID, AZURE_CLIENT_ID        an identity in Azure that trusts the AWS role
  COSMOS_KEY                                                    a key to the account
                                                                Azure's default credentials, without either
  TRIPTYCH_BUCKET                                             the bucket of the pictures
  TRIPTYCH_FEATURES                                           what to ask of Google; default: the seven usual ones
  TRIPTYCH_ANNOTATIONS_PER_SECOND                             default 30, the quota of a new Google project
  TRIPTYCH_SSM_PATH                                           SSM parameters under this path overlay all of these

Flags:
`)
	flag.PrintDefaults()
}
