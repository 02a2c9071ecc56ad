// Package pipeline connects to Temporal and starts AnnotatePicture workflows.
package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// Dial returns without connecting, so a Lambda can start while Temporal is down. The first request connects. All
// payloads are encrypted; for payloadKeys, see ParseKeys.
func Dial(options client.Options, payloadKeys string) (client.Client, error) {
	codec, err := ParseKeys(payloadKeys)
	if err != nil {
		return nil, err
	}
	codec.strict = true // else a stolen Temporal key could start workflows
	return DialThrough(options, codec)
}

// DialThrough is Dial with another codec, for example a remote one.
func DialThrough(options client.Options, codec converter.PayloadCodec) (client.Client, error) {
	interceptors, err := encryption(codec)
	if err != nil {
		return nil, err
	}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(interceptors...))
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // the default took 1/8 of the worker's CPU time
	if telemetry.Tracing() {
		traces, err := telemetry.Interceptor()
		if err != nil {
			return nil, err
		}
		options.Interceptors = append(options.Interceptors, traces) // of workers too
	}
	if options.Logger == nil {
		options.Logger = sdklog.NewStructuredLogger(slog.Default())
	}
	options.MetricsHandler = telemetry.TemporalMetrics()
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("making a Temporal client for %s: %w", options.HostPort, err)
	}
	return c, nil
}

// A smaller number means a higher priority in Temporal.
const (
	LivePriority     = 3 // a person waits for the picture
	SweepPriority    = 4 // a sweep found a picture whose S3 event was lost
	BackfillPriority = 5
)

// Start does nothing if the picture's workflow is running. With LivePriority, it also does nothing if the workflow has succeeded,
// because S3 may send an event twice. A sweep has read the Record, so it knows that another run is needed.
func Start(ctx context.Context, c client.Client, order picture.Order, priority int) error {
	reuse := enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	if priority == LivePriority {
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
	return start(ctx, c, order.ID, client.StartWorkflowOptions{
		ID: order.ID.WorkflowID(), WorkflowIDReusePolicy: reuse, Priority: temporal.Priority{PriorityKey: priority},
		StaticSummary: "annotate picture " + string(order.ID), // without the key: Temporal allows 400 bytes, encrypted
		StaticDetails: fmt.Sprintf("%s (%d bytes), uploaded at %s to the bucket %s, version %s",
			order.Key, order.Size, order.UploadedAt.Format(time.RFC3339), order.Bucket, order.VersionID),
	}, picture.AnnotateWorkflow, order)
}

// Erase starts a second erasure only if the first one failed or was terminated.
func Erase(ctx context.Context, c client.Client, id picture.ID) error {
	const reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	return start(ctx, c, id, client.StartWorkflowOptions{
		ID: id.EraseWorkflowID(), WorkflowIDReusePolicy: reuse, Priority: temporal.Priority{PriorityKey: LivePriority},
		StaticSummary: "erase picture " + string(id),
	}, picture.EraseWorkflow, string(id))
}

// start returns no error if the workflow is already running or completed.
func start(ctx context.Context, c client.Client, id picture.ID, options client.StartWorkflowOptions, workflow string, input any) error {
	options.TaskQueue = picture.PicturesQueue
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	options.Priority.FairnessKey = id.Network()
	_, err := c.ExecuteWorkflow(ctx, options, workflow, input)
	if err != nil {
		return fmt.Errorf("starting the workflow %s of picture %s: %w", workflow, id, err)
	}
	return nil
}

// CountOpen counts the pictures whose workflow is running. The newest ones may be missing.
func CountOpen(ctx context.Context, c client.Client) (int64, error) {
	count, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", picture.AnnotateWorkflow),
	})
	return count.GetCount(), err
}
