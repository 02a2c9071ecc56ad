// Package temporal connects to Temporal the way its own CLI does, and starts pictures. Starting the same
// picture any number of times makes one run. It never links a workflow or an activity.
package pipeline

import (
	"context"
	"fmt"
	"log/slog"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/proto"

	"triptych/picture"
)

// Dial reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, the TLS variables and profiles
// (https://docs.temporal.io/develop/environment-configuration). It does not connect: the first call does,
// so that a Lambda starts without waiting and a server that is away fails only the calls made meanwhile.
func Dial() (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("reading the TEMPORAL_* settings: %w", err)
	}
	// Most of what is sent is a few kB of JSON: gzip, the SDK's default, took an eighth of the worker's CPU for it.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(compressLarge))
	options.Logger = sdklog.NewStructuredLogger(slog.New(discreet{slog.Default().Handler()}))
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("making a Temporal client for %s: %w", options.HostPort, err)
	}
	return c, nil
}

// large is from how many bytes on a request is compressed.
const large = 128 << 10

// compressLarge has a result of up to 2 MB on its way for a fraction of the time: were that longer than a worker may be
// silent, the worker would be taken for dead and Google paid again.
func compressLarge(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if m, ok := req.(proto.Message); ok && proto.Size(m) >= large {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	return invoke(ctx, method, req, reply, conn, options...)
}

// Priority is the place of a picture in the queues.
type Priority int

// A LivePriority picture has someone waiting for it and overtakes every SweepPriority one, whose event was lost, and these every BackfillPriority
// (Temporal's priorities, 1 to 5, 3 being usual).
const (
	LivePriority     Priority = 3
	SweepPriority    Priority = 4
	BackfillPriority Priority = 5
)

// Start begins AnnotatePicture. A run that is open is left as it is, and so is one that has ended well within
// Temporal's retention unless the picture is to be annotated again; that is success.
func Start(ctx context.Context, c client.Client, order picture.Order, priority Priority) error {
	reuse := enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	if !order.ReannotateBefore.IsZero() {
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       order.ID.WorkflowID(),
		TaskQueue:                picture.PicturesQueue,
		WorkflowIDReusePolicy:    reuse,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 temporal.Priority{PriorityKey: int(priority)},
		// An existing run is what we want, so it is no error.
		WorkflowExecutionErrorWhenAlreadyStarted: false,
	}, picture.AnnotateWorkflow, order)
	if err != nil {
		return fmt.Errorf("starting the run of picture %s: %w", order.ID.Redacted(), err)
	}
	return nil
}
