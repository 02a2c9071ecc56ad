package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

// A backlog fills every slot of the worker while Google keeps them waiting; as many again are queued when a live picture
// comes. Which is annotated when is told by the order in which their runs end.
func TestPriority(t *testing.T) {
	const slots, backlog, perSecond = 50, 100, 20
	s := stacktest.Start(t)
	s.StopProgram("worker")
	s.StartProgram("slow worker", "worker", []string{fmt.Sprint("TRIPTYCH_ANNOTATIONS_PER_SECOND=", perSecond)})
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)

	var shown atomic.Int64
	looks := make(chan struct{})
	s.Vision.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}, OnMatch: func() {
		shown.Add(1)
		<-looks
	}})
	var olds []picture.ID
	for i := range backlog {
		olds = append(olds, put(t, s, fmt.Sprint("old/", i), []byte("picture")).ID)
	}
	if swept := sweepNow(t, c, "backfill", picture.Sweep{Prefix: "old/"}); swept.Started != backlog {
		t.Fatalf("swept %+v", swept)
	}
	for _, id := range olds {
		waitForAttempt(t, c, id, func(*workflowpb.PendingActivityInfo) bool { return true })
	}
	if !stacktest.Eventually(t, func(context.Context) bool { return shown.Load() >= slots }) {
		t.Fatalf("Google is shown %d, want %d", shown.Load(), slots)
	}
	live := visitor.take(t, portrait(t)).ID
	waitForAttempt(t, c, live, func(a *workflowpb.PendingActivityInfo) bool {
		return a.State == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || a.State == enumspb.PENDING_ACTIVITY_STATE_STARTED
	})
	close(looks)

	t.Run("a_live_picture_overtakes_a_backlog", func(t *testing.T) {
		ended := endOf(t, c, live)
		overtaken := 0
		for _, id := range olds {
			if endOf(t, c, id).After(ended) {
				overtaken++
			}
		}
		t.Logf("it came when %d were queued and overtook %d", backlog-slots, overtaken)
		if overtaken < (backlog-slots)/2 {
			t.Errorf("it overtook %d of %d", overtaken, backlog-slots)
		}
	})
}

// endOf waits for a run's end and says when that was, by Temporal's own time.
func endOf(t *testing.T, c client.Client, id picture.ID) time.Time {
	t.Helper()
	var outcome picture.Outcome
	if err := c.GetWorkflow(t.Context(), id.WorkflowID(), "").Get(t.Context(), &outcome); err != nil || outcome.Status != picture.Annotated {
		t.Fatalf("it ended %+v, %v", outcome, err)
	}
	run, err := c.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	return run.WorkflowExecutionInfo.CloseTime.AsTime()
}
