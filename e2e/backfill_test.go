package main

import (
	"context"
	"fmt"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"triptych/local/stacktest"
	"triptych/picture"
)

func TestBackfill(t *testing.T) {
	s := stacktest.Start(t)
	stacktest.PauseSweeps(t, s)
	c := temporalOf(t, s)

	for name, fault := range map[string]string{
		"one_that_is_encrypted_with_its_owner's_key": `"status":400,"code":"InvalidRequest"`,
		"one_that_the_worker_may_not_see":            `"status":403,"code":"AccessDenied"`,
	} {
		t.Run(name+"_is_left_out_and_the_others_are_started", func(t *testing.T) {
			prefix := fmt.Sprintf("old/%.20s/", name)
			for _, object := range []string{"a", "hidden", "z"} {
				put(t, s, prefix+object, portrait(t))
			}
			s3Fault(t, s, fmt.Sprintf(`{"only":%q,"operations":["HeadObject"],%s}`, prefix+"hidden", fault))
			if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: prefix}); swept != (picture.SweepCounts{Examined: 3, Started: 2, Skipped: 1}) {
				t.Errorf("swept %+v", swept)
			}
		})
	}

	t.Run("waits_while_1,000_runs_are_open_and_then_goes_on", func(t *testing.T) {
		const open = 1000
		stuck := make([]client.WorkflowRun, open)
		var starts errgroup.Group
		starts.SetLimit(8)
		for i := range stuck {
			starts.Go(func() (err error) {
				options := client.StartWorkflowOptions{ID: fmt.Sprint("stuck/", i), TaskQueue: "nobody's"}
				stuck[i], err = c.ExecuteWorkflow(t.Context(), options, picture.AnnotateWorkflow, picture.Order{})
				return err
			})
		}
		if err := starts.Wait(); err != nil {
			t.Fatal(err)
		}
		counted := func(ctx context.Context) bool {
			n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: client.DefaultNamespace,
				Query: "WorkflowType = 'AnnotatePicture' AND ExecutionStatus = 'Running'"})
			return err == nil && n.Count >= open
		}
		if !stacktest.Eventually(t, counted) {
			t.Fatal("Temporal does not count them")
		}
		put(t, s, "late/me.jpg", portrait(t))
		sweep, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "backfill", TaskQueue: picture.PicturesQueue},
			picture.SweepWorkflow, picture.Sweep{Prefix: "late/"})
		if err != nil {
			t.Fatal(err)
		}
		events := c.GetWorkflowHistory(t.Context(), sweep.GetID(), sweep.GetRunID(), true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for waits := false; !waits; {
			event, err := events.Next()
			if err != nil {
				t.Fatalf("the sweep did not wait: %v", err)
			}
			waits = event.GetTimerStartedEventAttributes() != nil
		}
		for _, run := range stuck {
			starts.Go(func() error { return c.TerminateWorkflow(t.Context(), run.GetID(), run.GetRunID(), "no longer needed") })
		}
		if err := starts.Wait(); err != nil {
			t.Fatal(err)
		}
		var swept picture.SweepCounts
		if err := sweep.Get(t.Context(), &swept); err != nil || swept.Started != 1 {
			t.Errorf("swept %+v, %v", swept, err)
		}
	})
}
