package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

const (
	heartbeatTimeout = 3 * time.Second
	gracePeriod      = 3 * time.Second // for running activities when a worker is stopped
	retryDeadline    = 5 * time.Second // for the start of the next attempt
)

func TestWorkers(t *testing.T) {
	env := testenv.Start(t)
	env.StartProgram("other worker", "worker", nil)

	t.Run("annotate_of_a_killed_worker_continues_within_5_s_of_the_heartbeat_timeout", func(t *testing.T) {
		p := blockAnnotate(t, env)
		if err := env.Signal(p.worker, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		lastHeartbeat := p.first.LastHeartbeatTime.AsTime()
		second := env.AwaitAnnotate(t, p.id, func(a *workflowpb.PendingActivityInfo) bool {
			if a.Attempt == 1 {
				lastHeartbeat = a.LastHeartbeatTime.AsTime()
			}
			return a.Attempt > 1 && a.LastWorkerIdentity != p.first.LastWorkerIdentity
		})
		delay := second.LastStartedTime.AsTime().Sub(lastHeartbeat.Add(heartbeatTimeout))
		t.Logf("the next attempt started %s after the heartbeat timeout", delay)
		if second.Attempt != 2 || delay > retryDeadline {
			t.Errorf("attempt %d started %s after the heartbeat timeout, want attempt 2 within %s", second.Attempt, delay, retryDeadline)
		}
		p.release(t)
	})
	t.Run("annotate_of_a_stopped_worker_continues_without_waiting_for_a_timeout", func(t *testing.T) {
		p := blockAnnotate(t, env)
		stopped := time.Now()
		if err := env.Signal(p.worker, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		second := env.AwaitAnnotate(t, p.id, func(a *workflowpb.PendingActivityInfo) bool {
			return a.Attempt > 1 && a.LastStartedTime != nil && a.LastWorkerIdentity != p.first.LastWorkerIdentity
		})
		if message := second.LastFailure.GetMessage(); second.Attempt != 2 || !strings.Contains(message, "worker is shutting down") {
			t.Errorf("attempt %d followed the failure %q", second.Attempt, message)
		}
		delay := second.LastStartedTime.AsTime().Sub(stopped)
		t.Logf("the next attempt started %s after SIGTERM", delay)
		if delay > gracePeriod+retryDeadline {
			t.Errorf("the next attempt started %s after SIGTERM, want within %s", delay, gracePeriod+retryDeadline)
		}
		p.release(t)
	})
}

type blockedAnnotate struct {
	id      picture.ID
	first   *workflowpb.PendingActivityInfo
	worker  string             // name of the worker that executes it
	release func(t *testing.T) // lets Vision respond and checks that the picture is annotated
}

func blockAnnotate(t *testing.T, env *testenv.Env) blockedAnnotate {
	t.Helper()
	released := make(chan struct{})
	env.Vision.SetFault(annotator.Fault{OnMatch: func() { <-released }})
	g := env.Upload(t, testenv.Portrait(t))
	release := func(t *testing.T) {
		t.Helper()
		env.Vision.SetFault(annotator.Fault{})
		close(released)
		if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
			t.Errorf("final status %s, want %s", final.Status, picture.Annotated)
		}
	}
	first := env.AwaitAnnotate(t, g.ID, func(a *workflowpb.PendingActivityInfo) bool { return a.LastHeartbeatTime != nil })
	for _, worker := range []string{"worker", "other worker"} {
		if strings.HasPrefix(first.LastWorkerIdentity, fmt.Sprint(env.PID(worker), "@")) {
			return blockedAnnotate{g.ID, first, worker, release}
		}
	}
	t.Fatalf("annotate is executed by the unknown worker %s", first.LastWorkerIdentity)
	return blockedAnnotate{}
}
