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

const slots = 50 // concurrent calls of annotate in one worker

func TestPriority(t *testing.T) {
	const backlog = 100
	env := testenv.Start(t)
	blocked := blockVision(t, env)
	var backfilled []picture.ID
	for i := range backlog {
		backfilled = append(backfilled, env.PutObject(t, fmt.Sprint("old/", i), []byte("picture")).ID)
	}
	if counts := env.RunSweep(t, "backfill", picture.Sweep{Bucket: testenv.BackfillBucket, Prefix: "old/"}); counts.Started != backlog {
		t.Fatalf("sweep counts %+v, want %d started", counts, backlog)
	}
	for _, id := range backfilled {
		env.AwaitAnnotate(t, id, func(*workflowpb.PendingActivityInfo) bool { return true })
	}
	blocked.await(t, slots)
	live := env.Upload(t, testenv.Portrait(t)).ID
	env.AwaitAnnotate(t, live, scheduled)
	blocked.release()

	t.Run("uploaded_picture_overtakes_a_backfill", func(t *testing.T) {
		if n := overtaken(t, env, live, backfilled); n < (backlog-slots)/2 {
			t.Errorf("the picture overtook %d of %d pictures, %d of them queued", n, backlog, backlog-slots)
		}
	})
}

type blockedVision struct {
	calls    atomic.Int64
	released chan struct{}
}

func blockVision(t *testing.T, env *testenv.Env) *blockedVision {
	t.Helper()
	env.StopProgram("worker")
	env.StartProgram("slow worker", "worker", []string{"TRIPTYCH_ANNOTATIONS_PER_SECOND=20"})
	b := &blockedVision{released: make(chan struct{})}
	env.Vision.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}, OnMatch: func() {
		b.calls.Add(1)
		<-b.released
	}})
	return b
}

func (b *blockedVision) await(t *testing.T, calls int64) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool { return b.calls.Load() >= calls }) {
		t.Fatalf("Vision received %d calls, want %d", b.calls.Load(), calls)
	}
}

func (b *blockedVision) release() { close(b.released) }

func scheduled(a *workflowpb.PendingActivityInfo) bool {
	return a.State == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED || a.State == enumspb.PENDING_ACTIVITY_STATE_STARTED
}

func overtaken(t *testing.T, env *testenv.Env, id picture.ID, others []picture.ID) (count int) {
	t.Helper()
	start := annotateStart(t, env, id)
	for _, other := range others {
		if annotateStart(t, env, other).After(start) {
			count++
		}
	}
	t.Logf("the picture overtook %d of %d pictures", count, len(others))
	return count
}

func annotateStart(t *testing.T, env *testenv.Env, id picture.ID) time.Time {
	t.Helper()
	if outcome := env.AwaitWorkflowEnd(t, id, ""); outcome.Status != picture.Annotated {
		t.Fatalf("the workflow ended with status %s, want %s", outcome.Status, picture.Annotated)
	}
	record, _, err := env.Records.Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return record.Steps[1].StartedAt
}
