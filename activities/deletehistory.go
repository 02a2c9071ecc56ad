package activities

import (
	"context"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"

	"triptych/picture"
)

// DeleteHistory deletes the histories of all runs of the picture's workflow, which contain the annotation.
func (a *Activities) DeleteHistory(ctx context.Context, id picture.ID) error {
	c, namespace := activity.GetClient(ctx), activity.GetInfo(ctx).Namespace
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: namespace, Query: fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()),
	})
	if err != nil {
		return failure(explainTemporal(err))
	}
	// ListWorkflow may not return the latest run yet. Without a run ID, Temporal deletes the latest run.
	latest := &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()}}
	for _, e := range append([]*workflowpb.WorkflowExecutionInfo{latest}, list.Executions...) {
		_, err := c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: e.Execution,
		})
		if err := explainTemporal(err); err != nil {
			return failure(err)
		}
	}
	return nil
}
