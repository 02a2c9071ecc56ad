package e2e

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// Half of the backfill fills the worker's slots. The uploaded picture must overtake the other half, which is queued.
func TestPriority(t *testing.T) {
	const slots, backlog, perSecond = 50, 100, 20
	env := testenv.Start(t)
	env.StopProgram("worker")
	env.StartProgram("slow worker", "worker", []string{fmt.Sprint("TRIPTYCH_ANNOTATIONS_PER_SECOND=", perSecond)})

	var calls atomic.Int64
	released := make(chan struct{})
	env.Vision.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}, OnMatch: func() {
		calls.Add(1)
		<-released
	}})
	var backfilled []picture.ID
	for i := range backlog {
		backfilled = append(backfilled, env.PutObject(t, fmt.Sprint("old/", i), []byte("picture")).ID)
	}
	if counts := runSweep(t, env, "backfill", picture.Sweep{Prefix: "old/"}); counts.Started != backlog {
		t.Fatalf("sweep counts %+v, want %d started", counts, backlog)
	}
	for _, id := range backfilled {
		awaitAnnotate(t, env, id, func(*workflowpb.PendingActivityInfo) bool { return true })
	}
	if !stacktest.Eventually(t, func(context.Context) bool { return calls.Load() >= slots }) {
		t.Fatalf("Vision received %d calls, want %d", calls.Load(), slots)
	}
	live := env.Upload(t, testenv.Portrait(t)).ID
	awaitAnnotate(t, env, live, func(a *workflowpb.PendingActivityInfo) bool {
		return a.State == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || a.State == enumspb.PENDING_ACTIVITY_STATE_STARTED
	})
	close(released)

	t.Run("uploaded_picture_overtakes_a_backfill", func(t *testing.T) {
		liveEnd := endTime(t, env, live)
		overtaken := 0
		for _, id := range backfilled {
			if endTime(t, env, id).After(liveEnd) {
				overtaken++
			}
		}
		t.Logf("the uploaded picture overtook %d of %d backfilled pictures", overtaken, backlog)
		if minimum := (backlog - slots) / 2; overtaken < minimum { // half of those that were queued
			t.Errorf("the uploaded picture overtook %d of %d backfilled pictures, want at least %d", overtaken, backlog, minimum)
		}
	})
}

func endTime(t *testing.T, env *testenv.Env, id picture.ID) time.Time {
	t.Helper()
	if outcome := awaitWorkflowEnd(t, env, id, ""); outcome.Status != picture.Annotated {
		t.Fatalf("the workflow ended with status %s, want %s", outcome.Status, picture.Annotated)
	}
	description, err := env.Temporal.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	return description.WorkflowExecutionInfo.CloseTime.AsTime()
}
