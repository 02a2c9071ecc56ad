package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestAnnotationsPerDay(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	const limit, uploads = 2, 4
	setting := []string{fmt.Sprint("TRIPTYCH_ANNOTATIONS_PER_DAY=", limit)}
	env.StopProgram("worker")
	env.StartProgram("limited worker", "worker", setting)
	var grants []siteclient.Grant
	for range uploads {
		grants = append(grants, env.Upload(t, testenv.Portrait(t)))
	}
	var waiting []siteclient.Grant
	for _, g := range grants {
		var step picture.Step
		ctx, stop := context.WithCancel(testenv.Context(t))
		p, err := env.Site.Follow(ctx, g.Link, func(p picture.Progress) {
			if step = p.Steps[1]; step.Status == picture.StepRetrying {
				stop()
			}
		})
		stop()
		if err == nil && p.Status == picture.Annotated {
			continue
		}
		waiting = append(waiting, g)
		const want = "This site annotates at most 2 pictures a day, so this one waits until 00:00 UTC; Triptych tries again"
		if next := step.NextAttemptAt.UTC(); step.Error != want || step.WaitingFor != picture.Google || next.Hour() != 0 || next.Minute() > 1 {
			t.Errorf("the step is %+v, want %q until shortly after 00:00 UTC; %v", step, want, err)
		}
	}
	if billed := env.Vision.Billed(); len(waiting) != uploads-limit || billed != limit {
		t.Fatalf("%d pictures wait, and %d were sent to Google, want %d and %d", len(waiting), billed, uploads-limit, limit)
	}
	t.Run("upload_is_429_while_a_full_day_of_pictures_waits", func(t *testing.T) {
		site := siteclient.Site(stacktest.StartWeb(t, env.Stack, setting...))
		var status *siteclient.StatusError
		if !stacktest.Eventually(t, func(ctx context.Context) bool {
			_, err := site.RequestGrant(ctx, testenv.Portrait(t))
			return errors.As(err, &status)
		}) || status.Status != http.StatusTooManyRequests {
			t.Errorf("the upload request returned %v, want status 429", status)
		}
	})
	t.Run("restarted_worker_does_not_exceed_the_limit", func(t *testing.T) {
		env.StopProgram("limited worker")()
		id := waiting[0].ID
		env.ResetActivity(t, id, env.AwaitAnnotate(t, id, func(*workflowpb.PendingActivityInfo) bool { return true }))
		env.AwaitAnnotate(t, id, func(a *workflowpb.PendingActivityInfo) bool {
			return a.Attempt > 1 && time.Until(a.NextAttemptScheduleTime.AsTime()) > 0
		})
		if billed := env.Vision.Billed(); billed != limit {
			t.Errorf("%d pictures were sent to Google, want %d", billed, limit)
		}
	})
	t.Run("waiting_pictures_arrive_after_the_limit_is_raised_and_the_activities_are_reset", func(t *testing.T) {
		env.StopProgram("limited worker")
		env.StartProgram("raised worker", "worker", []string{"TRIPTYCH_ANNOTATIONS_PER_DAY=4"})
		reset := exec.CommandContext(testenv.Context(t), stacktest.TemporalCLI(t), "activity", "reset", "--address", env.Endpoints.Temporal,
			"--activity-type", "annotate", "--reset-attempts", "--yes", "--query", "WorkflowType='AnnotatePicture' AND ExecutionStatus='Running'")
		if out, err := reset.CombinedOutput(); err != nil { // the command of docs/operations.md
			t.Fatalf("%v: %s", err, out)
		}
		for _, g := range waiting {
			if p := env.Follow(t, g.Link); p.Status != picture.Annotated {
				t.Errorf("status %s", p.Status)
			}
		}
		if billed := env.Vision.Billed(); billed != uploads {
			t.Errorf("%d pictures were sent to Google, want %d", billed, uploads)
		}
	})
}
