// Package pipeline connects to Temporal and starts AnnotatePicture workflows.
package pipeline

import (
	"context"
	"fmt"
	"log/slog"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"

	"triptych/picture"
)

// Dial returns without connecting, so a Lambda can start while Temporal is down. The first request connects. All
// payloads are encrypted; for payloadKeys, see ParseKeys.
func Dial(options client.Options, payloadKeys string) (client.Client, error) {
	codec, err := ParseKeys(payloadKeys)
	if err != nil {
		return nil, err
	}
	interceptors, err := encryption(codec)
	if err != nil {
		return nil, err
	}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(interceptors...))
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // the default took 1/8 of the worker's CPU time
	if options.Logger == nil {
		options.Logger = sdklog.NewStructuredLogger(slog.Default())
	}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("making a Temporal client for %s: %w", options.HostPort, err)
	}
	return c, nil
}

// Priority is a Temporal priority key. Temporal delivers tasks with a lower key first.
type Priority int

// The priorities of pictures.
const (
	LivePriority     Priority = 3 // a person waits for the picture
	SweepPriority    Priority = 4 // a sweep found a picture whose S3 event was lost
	BackfillPriority Priority = 5
)

// Start does nothing if the picture's workflow is still running. A workflow that completed successfully is started
// again only if order.ReannotateBefore is set. Networks take turns, so that nobody waits for all pictures of another.
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
		Priority:                 temporal.Priority{PriorityKey: int(priority), FairnessKey: order.ID.Network()},
	}, picture.AnnotateWorkflow, order)
	if err != nil {
		return fmt.Errorf("starting the workflow of picture %s: %w", order.ID, err)
	}
	return nil
}
