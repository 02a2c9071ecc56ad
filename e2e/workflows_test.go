package e2e

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func runSweep(t *testing.T, env *testenv.Env, workflowID string, sweep picture.Sweep) picture.SweepCounts {
	t.Helper()
	ctx := testenv.Context(t)
	run, err := env.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflowID, TaskQueue: picture.PicturesQueue}, picture.SweepWorkflow, sweep)
	if err != nil {
		t.Fatal(err)
	}
	var counts picture.SweepCounts
	if err := run.Get(ctx, &counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// The site may show a final status before the workflow ends.
func awaitWorkflowEnd(t *testing.T, env *testenv.Env, id picture.ID, runID string) (outcome picture.Outcome) {
	t.Helper()
	ctx := testenv.Context(t)
	if err := env.Temporal.GetWorkflow(ctx, id.WorkflowID(), runID).Get(ctx, &outcome); err != nil {
		t.Fatal(err)
	}
	return outcome
}

// The parameter `previous` is a run ID, or "" if the picture has no run yet.
func awaitNewRun(t *testing.T, env *testenv.Env, id picture.ID, previous string) string {
	t.Helper()
	latest := previous
	if !stacktest.Eventually(t, func(context.Context) bool { latest = latestRun(t, env, id.WorkflowID()); return latest != previous }) {
		t.Fatalf("picture %s has no workflow run except %q", id, previous)
	}
	return latest
}

// latestRun returns "" if the workflow does not exist.
func latestRun(t *testing.T, env *testenv.Env, workflowID string) string {
	t.Helper()
	description, err := env.Temporal.DescribeWorkflowExecution(testenv.Context(t), workflowID, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return description.WorkflowExecutionInfo.Execution.RunId
}

func awaitAnnotate(t *testing.T, env *testenv.Env, id picture.ID, condition func(*workflowpb.PendingActivityInfo) bool) *workflowpb.PendingActivityInfo {
	t.Helper()
	awaitNewRun(t, env, id, "")
	var found *workflowpb.PendingActivityInfo
	fulfilled := func(ctx context.Context) bool {
		description, err := env.Temporal.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range description.PendingActivities {
			if a.ActivityType.Name == string(picture.AnnotateStep) {
				found = a
				return condition(a)
			}
		}
		return false
	}
	if !stacktest.Eventually(t, fulfilled) {
		t.Fatalf("annotate of picture %s did not reach the wanted state: %v", id, found)
	}
	return found
}
