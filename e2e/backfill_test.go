package e2e

import (
	"context"
	"fmt"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestBackfill(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)

	for name, fault := range map[string]string{
		"object_encrypted_with_a_customer-provided_key_is_skipped": `"status":400,"code":"InvalidRequest"`,
		"object_that_the_worker_has_no_permission_for_is_skipped":  `"status":403,"code":"AccessDenied"`,
	} {
		t.Run(name, func(t *testing.T) {
			prefix := fmt.Sprintf("old/%.25s/", name)
			for _, object := range []string{"a", "unreadable", "z"} {
				env.PutObject(t, prefix+object, testenv.Portrait(t))
			}
			env.InjectS3Fault(t, fmt.Sprintf(`{"only":%q,"operations":["HeadObject"],%s}`, prefix+"unreadable", fault))
			want := picture.SweepCounts{Examined: 3, Started: 2, Skipped: 1}
			if counts := env.RunSweep(t, "backfill", picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: prefix}); counts != want {
				t.Errorf("sweep counts %+v, want %+v", counts, want)
			}
		})
	}
	t.Run("waits_while_1,000_workflows_are_running", func(t *testing.T) { testBackpressure(t, env) })
}

func testBackpressure(t *testing.T, env *testenv.Env) {
	const running = 1000
	c := env.Temporal
	workflows := make([]client.WorkflowRun, running)
	var calls errgroup.Group
	calls.SetLimit(8)
	for i := range workflows {
		calls.Go(func() (err error) {
			options := client.StartWorkflowOptions{ID: fmt.Sprint("stuck/", i), TaskQueue: "queue-without-a-worker"}
			workflows[i], err = c.ExecuteWorkflow(t.Context(), options, picture.AnnotateWorkflow, picture.Order{})
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
	counted := func(ctx context.Context) bool {
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: client.DefaultNamespace,
			Query: "WorkflowType = 'AnnotatePicture' AND ExecutionStatus = 'Running'"})
		return err == nil && n.Count >= running
	}
	if !stacktest.Eventually(t, counted) {
		t.Fatal("the visibility store does not contain all started workflows")
	}
	env.PutObject(t, "late/me.jpg", testenv.Portrait(t))
	sweep, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "backfill", TaskQueue: picture.PicturesQueue},
		picture.SweepWorkflow, picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: "late/"})
	if err != nil {
		t.Fatal(err)
	}
	events := c.GetWorkflowHistory(t.Context(), sweep.GetID(), sweep.GetRunID(), true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for waiting := false; !waiting; {
		event, err := events.Next()
		if err != nil {
			t.Fatalf("the sweep started no timer: %v", err)
		}
		waiting = event.GetTimerStartedEventAttributes() != nil
	}
	for _, run := range workflows {
		calls.Go(func() error {
			return c.TerminateWorkflow(t.Context(), run.GetID(), run.GetRunID(), "end-to-end test")
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
	var counts picture.SweepCounts
	if err := sweep.Get(t.Context(), &counts); err != nil || counts.Started != 1 {
		t.Errorf("sweep counts %+v, error %v, want 1 started", counts, err)
	}
}
