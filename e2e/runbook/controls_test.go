package runbook

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
)

// checks tests the local commands of each emergency control.
var checks = map[string]func(*testing.T, *operator, control){
	"stop Google spending":    checkStopGoogle,
	"stop accepting pictures": checkStopUploads,
	"pause sweeps":            checkPauseSweeps,
	"drain one worker":        checkDrain,
	"redrive dead letters": func(t *testing.T, o *operator, c control) {
		o.loseEvent(t)
		o.writeDeadLetter(t)
		o.mustRun(t, c.locally...)
		o.checkAnnotated(t)
	},
	"annotate a range again": checkReannotate,
}

func checkStopGoogle(t *testing.T, o *operator, c control) {
	o.mustRun(t, c.locally...)
	billed := o.Vision.Billed()
	o.upload(t)
	o.AwaitAnnotate(t, o.picture.ID, func(*workflowpb.PendingActivityInfo) bool { return true })
	o.replaceWorker(t, `kill -KILL $(pgrep -f "$PWD/[.]triptych/worker.ready")`) // the new worker must not override the limit
	polled := func(ctx context.Context) bool {
		out, _ := o.run(ctx, "temporal task-queue describe --task-queue annotate")
		return shows(out, "activity N")
	}
	if !stacktest.Eventually(t, polled) {
		t.Error("the queue has no backlog")
	}
	if n := o.Vision.Billed() - billed; n != 0 {
		t.Errorf("Google charged %d times, want 0", n)
	}
	o.mustRun(t, c.undo...)
	o.checkAnnotated(t)
}

func checkStopUploads(t *testing.T, o *operator, c control) {
	o.setFault(t, "google", "down")
	o.upload(t)
	o.awaitFailure(t)
	o.mustRun(t, c.locally...) // a restart, which ends the fault
	o.AwaitAnnotate(t, o.picture.ID, func(a *workflowpb.PendingActivityInfo) bool {
		return strings.Contains(a.LastFailure.GetMessage(), "annotates no pictures at the moment")
	})
	_, err := o.Site.RequestGrant(testenv.Context(t), testenv.Portrait(t))
	if status, ok := errors.AsType[*siteclient.StatusError](err); !ok || status.Status != http.StatusTooManyRequests {
		t.Errorf("an upload request returned %v, want status 429", err)
	}
	o.mustRun(t, c.undo...)
	o.checkAnnotated(t)
	o.upload(t)
	o.checkAnnotated(t)
}

func checkPauseSweeps(t *testing.T, o *operator, c control) {
	check := func(want bool) {
		t.Helper()
		for _, id := range []string{"sweep", "sweep-all"} {
			d, err := o.Temporal.ScheduleClient().GetHandle(testenv.Context(t), id).Describe(testenv.Context(t))
			if err != nil {
				t.Fatal(err)
			}
			if d.Schedule.State.Paused != want {
				t.Errorf("the schedule %s is paused: %t, want %t", id, !want, want)
			}
		}
	}
	o.mustRun(t, c.undo...)
	check(false)
	o.mustRun(t, c.locally...)
	o.replaceWorker(t, `kill -KILL $(pgrep -f "$PWD/[.]triptych/worker.ready")`) // a starting worker creates the schedules
	check(true)
}

func checkDrain(t *testing.T, o *operator, c control) {
	o.replaceWorker(t, c.locally...)
	log, err := os.ReadFile(filepath.Join(o.Dir(), "logs", "worker.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "shutting down") {
		t.Error("the worker did not shut down gracefully")
	}
	o.upload(t)
	o.checkAnnotated(t)
}

func (o *operator) replaceWorker(t *testing.T, lines ...string) {
	t.Helper()
	before := o.PID("worker")
	o.mustRun(t, lines...)
	ready := filepath.Join(o.Dir(), "worker.ready")
	if !stacktest.Eventually(t, func(context.Context) bool {
		_, err := os.Stat(ready)
		pid := o.PID("worker")
		return pid != 0 && pid != before && err == nil
	}) {
		t.Fatal("no other worker started")
	}
}

func checkReannotate(t *testing.T, o *operator, c control) {
	o.upload(t)
	o.checkAnnotated(t)
	earlier := o.picture
	time.Sleep(time.Second) // S3's times have no fractions of a second
	from := time.Now().UTC().Truncate(time.Second)
	o.upload(t)
	o.checkAnnotated(t)
	o.AwaitWorkflowEnd(t, o.picture.ID, "")
	first, other := o.Record(t, o.picture.ID), o.Record(t, earlier.ID)
	selected := `"from":"` + from.Format(time.RFC3339) + `","to":"` + from.Add(time.Hour).Format(time.RFC3339) + `"`
	start := strings.Replace(c.locally[0], "RANGE", selected, 1)
	o.ran[c.locally[0]] = true
	o.mustRun(t, start)
	if !stacktest.Eventually(t, func(context.Context) bool { return o.Record(t, o.picture.ID).RunID != first.RunID }) {
		t.Error("the picture in the range was not annotated again")
	}
	if err := o.Temporal.GetWorkflow(testenv.Context(t), "reannotate", "").Get(testenv.Context(t), nil); err != nil {
		t.Error(err)
	}
	if o.Record(t, earlier.ID).RunID != other.RunID {
		t.Error("a picture before the range was annotated again")
	}
	if err := o.Signal("worker", syscall.SIGSTOP); err != nil { // so that the sweep cannot end by itself
		t.Fatal(err)
	}
	o.mustRun(t, start)
	o.mustRun(t, c.undo...)
	if err := o.Signal("worker", syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	d, err := o.Temporal.DescribeWorkflowExecution(testenv.Context(t), "reannotate", "")
	if err != nil || d.WorkflowExecutionInfo.Status != enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		t.Errorf("the sweep has status %v, error %v, want terminated", d.GetWorkflowExecutionInfo().GetStatus(), err)
	}
}
