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

// hurry tries at once what waits for a cloud that is back: nobody who puts a plug back wants to wait for a backoff that
// has grown to a minute. What cannot be hurried goes on by itself.
func (s *Stack) hurry(ctx context.Context, cloud string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.hurryActivities(ctx)
	if cloud == "temporal" {
		s.children["worker"].hold() // else it looks for Temporal only when gRPC's backoff lets it, up to 16 s later
		s.children["worker"].release()
		err = errors.Join(err, s.Lambda.RetryNow(ctx)) // S3's events wait for nothing else
	}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		slog.Warn("what waits could not all be hurried; it goes on by itself", "error", err)
	}
}

// hurryActivities does what "temporal activity reset" does, for every activity that is not tried again within a second.
func (s *Stack) hurryActivities(ctx context.Context) error {
	if s.children["temporal"] == nil || s.switches.all()["temporal"] == "down" {
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
			return fmt.Errorf("listing the runs under way: %w", err)
		}
		for _, run := range page.Executions {
			if err := hurryRun(ctx, c, run.Execution); err != nil {
				return err
			}
		}
		if list.NextPageToken = page.NextPageToken; len(list.NextPageToken) == 0 {
			return nil
		}
	}
}

func hurryRun(ctx context.Context, c client.Client, run *commonpb.WorkflowExecution) error {
	told, err := c.DescribeWorkflowExecution(ctx, run.WorkflowId, run.RunId)
	if err != nil {
		return fmt.Errorf("looking at a run under way: %w", err)
	}
	for _, pending := range told.PendingActivities {
		soon := time.Now().Add(time.Second)
		if pending.State != enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || pending.NextAttemptScheduleTime.AsTime().Before(soon) {
			continue
		}
		_, err := c.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
			Namespace: client.DefaultNamespace, Execution: run,
			Activity: &workflowservice.ResetActivityRequest_Id{Id: pending.ActivityId},
		})
		if _, over := errors.AsType[*serviceerror.NotFound](err); err != nil && !over {
			return fmt.Errorf("hurrying %s: %w", pending.ActivityType.GetName(), err)
		}
	}
	return nil
}
