// Package upgrade tests that a deployment of the worker can be rolled back while pictures are in progress.
//
// Three workers are built from this repository. Worker A is the current source. B also knows two changes of the workflow
// AnnotatePicture behind workflow.GetVersion. C also takes them, because it lists them in workflows/released.go.
//
// ECS rolls back in the same way as an operator: the old workers serve before the new ones end. A crash stands for new workers
// that fail the deployment after they have served for a while.
package upgrade

import (
	"context"
	"net/http"
	"syscall"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/workflow"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestUpgrade(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	a := env.Executable("worker")
	b := buildWorker(t, "b", persistDurably, presignDurably)
	c := buildWorker(t, "c", persistDurably, presignDurably, release)

	d := &deployment{Env: env, stop: func(syscall.Signal) { env.StopProgram("worker") }}
	d.deploy(t, a, syscall.SIGTERM)
	t.Cleanup(func() { d.stop(syscall.SIGTERM) })
	env.Follow(t, env.Upload(t, []byte("<html>")).Link) // creates the document that counts the day's annotations

	for _, r := range []struct {
		name     string
		old, new string
		stop     syscall.Signal   // ends the new worker
		version  workflow.Version // that workflows record on the new worker
	}{
		{"rollback_from_a_worker_that_knows_a_change_loses_no_picture", a, b, syscall.SIGTERM, workflow.DefaultVersion},
		{"crash_of_a_worker_that_knows_a_change_loses_no_picture", a, b, syscall.SIGKILL, workflow.DefaultVersion},
		{"rollback_from_a_worker_that_takes_a_change_loses_no_picture", b, c, syscall.SIGTERM, 1},
		{"crash_of_a_worker_that_takes_a_change_loses_no_picture", b, c, syscall.SIGKILL, 1},
	} {
		t.Run(r.name, func(t *testing.T) {
			d.deploy(t, r.old, syscall.SIGTERM)
			pictures := d.upgrade(t, r.new, r.version)
			d.deploy(t, r.old, r.stop)
			pictures = append(pictures, d.upload(t, "uploaded after the rollback"))
			for _, p := range pictures {
				p.recover(t)
			}
			for _, p := range pictures {
				p.checkAnnotated(t)
				if failure := p.taskFailure(t); failure != nil {
					t.Errorf("picture %s: a workflow task failed: %s: %s", p.name, failure.Cause, failure.Failure.GetMessage())
				}
			}
		})
	}
	t.Run("rollback_past_two_releases_delays_pictures_until_the_new_worker_returns", func(t *testing.T) {
		d.deploy(t, a, syscall.SIGTERM)
		pictures := d.upgrade(t, c, 1)
		d.deploy(t, a, syscall.SIGTERM)
		for _, p := range pictures {
			p.recover(t)
		}
		for _, p := range pictures[1:] {
			var failure *historypb.WorkflowTaskFailedEventAttributes
			if !stacktest.Eventually(t, func(context.Context) bool { failure = p.taskFailure(t); return failure != nil }) {
				t.Fatalf("picture %s: no workflow task failed", p.name)
			}
			t.Logf("picture %s: %s: %s", p.name, failure.Cause, failure.Failure.GetMessage())
			if failure.Cause != enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR {
				t.Errorf("picture %s: a workflow task failed with %s, want %s", p.name, failure.Cause, enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR)
			}
		}
		pictures[0].checkAnnotated(t)
		query := "TemporalChangeVersion='presign-durably-1' AND ExecutionStatus='Running'" // as in docs/operations.md
		if !stacktest.Eventually(t, func(ctx context.Context) bool {
			list, err := env.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query})
			if err != nil {
				t.Fatal(err)
			}
			return len(list.Executions) == 2
		}) {
			t.Errorf("not exactly two workflows fulfil %s", query)
		}
		d.deploy(t, c, syscall.SIGTERM)
		for _, p := range pictures {
			p.checkAnnotated(t)
		}
	})
}

// upgrade deploys a new worker and returns pictures in progress: the first one reached no change on the new worker, the
// others recorded the version.
func (d *deployment) upgrade(t *testing.T, worker string, version workflow.Version) []*testPicture {
	t.Helper()
	annotate := d.upload(t, "that waits for Google since before the upgrade")
	persist := d.upload(t, "that waited for Google before the upgrade and then for Cosmos DB")
	annotate.awaitFailure(t, picture.AnnotateStep)
	persist.awaitFailure(t, picture.AnnotateStep)

	d.deploy(t, worker, syscall.SIGTERM)
	newAnnotate := d.upload(t, "that waits for Google since after the upgrade")
	newPersist := d.upload(t, "that waited for Google after the upgrade and then for Cosmos DB")
	newAnnotate.awaitFailure(t, picture.AnnotateStep)
	newPersist.awaitFailure(t, picture.AnnotateStep)
	for _, p := range []*testPicture{persist, newPersist} {
		p.setRecords(http.StatusServiceUnavailable)
		p.setVision(stubbed)
		p.retryNow(t)
		p.awaitFailure(t, picture.PersistStep)
	}
	persist.checkVersion(t, version, "persist-durably")
	newAnnotate.checkVersion(t, version, "presign-durably")
	newPersist.checkVersion(t, version, "presign-durably", "persist-durably")
	return []*testPicture{annotate, persist, newAnnotate, newPersist}
}
