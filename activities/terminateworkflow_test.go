package activities

import (
	"context"
	"slices"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"

	"triptych/e2e/s3test"
	"triptych/picture"
)

func TestTerminateWorkflow(t *testing.T) {
	c := openClouds(t)
	id := newPicture(t).ID
	server := c.startTemporal(t, &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()})
	t.Run("workflow_is_terminated", func(t *testing.T) {
		if _, err := execute[any](t, c, picture.TerminateWorkflowActivity, id); err != nil {
			t.Fatal(err)
		}
		if want := []string{id.WorkflowID()}; !slices.Equal(server.terminated, want) {
			t.Errorf("terminated %q, want %q", server.terminated, want)
		}
	})
	t.Run("missing_workflow_is_a_success", func(t *testing.T) {
		if _, err := execute[any](t, c, picture.TerminateWorkflowActivity, newPicture(t).ID); err != nil {
			t.Error(err)
		}
	})
	t.Run("unreachable_Temporal_is_retried", func(t *testing.T) {
		err := c.terminateUnreachable(t)
		checkFailure(t, err, picture.Unavailable)
	})
}

func (c *clouds) terminateUnreachable(t *testing.T) error {
	t.Helper()
	c.connectTemporal(t, s3test.FreeAddress())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // the Temporal client retries until then
	defer cancel()
	_, err := executeWithContext[any](ctx, t, c, picture.TerminateWorkflowActivity, newPicture(t).ID)
	return err
}
