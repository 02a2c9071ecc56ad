package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Without retryNow, a user would wait up to a minute for the next retry after clearing a fault.
func (s *Stack) retryNow(ctx context.Context, cloud string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.retryActivitiesNow(ctx)
	if cloud == "temporal" {
		// In the running worker, gRPC may wait up to 16 s before the next connection attempt. A new worker process
		// connects immediately.
		s.children["worker"].Stop()
		s.children["worker"].Start()
		err = errors.Join(err, s.Lambda.RetryNow()) // S3 events wait only for Temporal
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		slog.Warn("not everything was retried immediately; the rest is retried after its backoff", "error", err)
	}
}

// retryActivitiesNow makes Temporal start the next attempts immediately.
func (s *Stack) retryActivitiesNow(ctx context.Context) error {
	if server := s.children["temporal"]; server == nil || server.PID() == 0 {
		return nil
	}
	c, err := s.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	list := &workflowservice.ListWorkflowExecutionsRequest{Query: "ExecutionStatus = 'Running'"}
	for {
		page, err := c.ListWorkflow(ctx, list)
		if err != nil {
			return fmt.Errorf("listing the running workflows: %w", err)
		}
		for _, info := range page.Executions {
			if err := resetActivities(ctx, c, info.Execution); err != nil {
				return err
			}
		}
		if list.NextPageToken = page.NextPageToken; len(list.NextPageToken) == 0 {
			return nil
		}
	}
}

func resetActivities(ctx context.Context, c client.Client, execution *commonpb.WorkflowExecution) error {
	description, err := c.DescribeWorkflowExecution(ctx, execution.WorkflowId, execution.RunId)
	if err != nil {
		return fmt.Errorf("describing a running workflow: %w", err)
	}
	for _, activity := range description.PendingActivities {
		soon := time.Now().Add(time.Second)
		if activity.State != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || activity.NextAttemptScheduleTime.AsTime().Before(soon) {
			continue
		}
		_, err := c.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
			Namespace: client.DefaultNamespace, Execution: execution,
			Activity: &workflowservice.ResetActivityRequest_Id{Id: activity.ActivityId},
		})
		if _, closed := errors.AsType[*serviceerror.NotFound](err); err != nil && !closed {
			return fmt.Errorf("resetting activity %s: %w", activity.ActivityType.GetName(), err)
		}
	}
	return nil
}
