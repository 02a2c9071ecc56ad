package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

// Two workers serve, Google is slow, and the one that shows it a picture ends. Times are Temporal's own.
func TestWorkers(t *testing.T) {
	s := stacktest.Start(t)
	s.StartProgram("other worker", "worker", nil)
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)
	const heartbeatTimeout, grace, soon = 3 * time.Second, 3 * time.Second, 5 * time.Second

	// shown is a picture that Google looks at, and the worker that shows it.
	shown := func(t *testing.T) (id picture.ID, first *workflowpb.PendingActivityInfo, worker string, settles func()) {
		looks := make(chan struct{})
		s.Vision.SetFault(annotator.Fault{OnMatch: func() { <-looks }})
		g := visitor.take(t, portrait(t))
		settles = func() {
			s.Vision.SetFault(annotator.Fault{})
			close(looks)
			if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
				t.Errorf("ended %s", settled.Status)
			}
		}
		first = waitForAttempt(t, c, g.ID, func(a *workflowpb.PendingActivityInfo) bool { return a.LastHeartbeatTime != nil })
		for _, name := range []string{"worker", "other worker"} {
			if strings.HasPrefix(first.LastWorkerIdentity, fmt.Sprint(s.PID(name), "@")) {
				return g.ID, first, name, settles
			}
		}
		t.Fatalf("%s shows it to Google, which is none of ours", first.LastWorkerIdentity)
		return
	}

	t.Run("a_killed_one's_picture_is_taken_up_within_5_s_of_being_missed", func(t *testing.T) {
		id, first, worker, settles := shown(t)
		if err := s.Signal(worker, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		lastBeat := first.LastHeartbeatTime.AsTime()
		second := waitForAttempt(t, c, id, func(a *workflowpb.PendingActivityInfo) bool {
			if a.Attempt == 1 {
				lastBeat = a.LastHeartbeatTime.AsTime()
			}
			return a.Attempt > 1 && a.LastWorkerIdentity != first.LastWorkerIdentity
		})
		missed := lastBeat.Add(heartbeatTimeout)
		after := second.LastStartedTime.AsTime().Sub(missed)
		t.Logf("the next attempt began %s after the heartbeat timed out", after)
		if second.Attempt != 2 || after > soon {
			t.Errorf("attempt %d began %s after the heartbeat timed out", second.Attempt, after)
		}
		settles()
	})
	t.Run("a_stopped_one_hands_over_at_once", func(t *testing.T) {
		id, first, worker, settles := shown(t)
		told := time.Now()
		if err := s.Signal(worker, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		second := waitForAttempt(t, c, id, func(a *workflowpb.PendingActivityInfo) bool {
			return a.Attempt > 1 && a.LastStartedTime != nil && a.LastWorkerIdentity != first.LastWorkerIdentity
		})
		if why := second.LastFailure.GetMessage(); second.Attempt != 2 || !strings.Contains(why, "the worker was told to stop") {
			t.Errorf("attempt %d began because of %q", second.Attempt, why)
		}
		after := second.LastStartedTime.AsTime().Sub(told)
		t.Logf("the next attempt began %s after the worker was told to stop", after)
		if after > grace+soon {
			t.Errorf("it began %s after the worker was told to stop, which may take %s to finish", after, grace)
		}
		settles()
	})
}

// waitForAttempt returns what the picture's annotate is like once it is as wanted.
func waitForAttempt(t *testing.T, c client.Client, id picture.ID, wanted func(*workflowpb.PendingActivityInfo) bool) *workflowpb.PendingActivityInfo {
	t.Helper()
	waitForRun(t, c, id, "")
	var found *workflowpb.PendingActivityInfo
	seen := func(ctx context.Context) bool {
		run, err := c.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range run.PendingActivities {
			if a.ActivityType.Name == string(picture.AnnotateStep) {
				found = a
				return wanted(a)
			}
		}
		return false
	}
	if !stacktest.Eventually(t, seen) {
		t.Fatalf("picture %s is not as wanted: %v", id.Redacted(), found)
	}
	return found
}
