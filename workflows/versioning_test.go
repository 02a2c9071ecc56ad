package workflows_test

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
	"triptych/workflows"
)

const announceActivity = "announce" // an imaginary step

// GetVersion's minimum version may become 1 only after all workflows without `announce` have ended.
func withAnnounce(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	outcome, err := workflows.AnnotatePicture(ctx, order)
	if err != nil || workflow.GetVersion(ctx, "announce", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return outcome, err
	}
	return outcome, announce(ctx, outcome)
}

func withoutVersion(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	outcome, err := workflows.AnnotatePicture(ctx, order)
	if err != nil {
		return outcome, err
	}
	return outcome, announce(ctx, outcome)
}

func announce(ctx workflow.Context, outcome picture.Outcome) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, announceActivity, outcome).Get(ctx, nil)
}

func TestVersioning(t *testing.T) {
	for name := range branches() {
		path := goldenPath(picture.AnnotateWorkflow, name)
		t.Run(name+"_replays_on_the_changed_workflow", func(t *testing.T) {
			if err := replay(path, withAnnounce, workflows.ErasePicture, workflows.SweepPictures); err != nil {
				t.Error(err)
			}
		})
		t.Run(name+"_does_not_replay_on_a_workflow_changed_without_GetVersion", func(t *testing.T) {
			if err := replay(path, withoutVersion, workflows.ErasePicture, workflows.SweepPictures); err == nil {
				t.Error("the replay did not detect the change")
			}
		})
	}
	t.Run("new_workflow_executes_the_new_step", func(t *testing.T) {
		env := newEnvironment()
		(&script{}).register(env)
		var announced []picture.Outcome
		env.RegisterActivityWithOptions(func(_ context.Context, o picture.Outcome) error {
			announced = append(announced, o)
			return nil
		}, activity.RegisterOptions{Name: announceActivity})
		p := goldenPicture(t)
		env.ExecuteWorkflow(withAnnounce, picture.Order{Picture: p})
		if err := env.GetWorkflowError(); err != nil {
			t.Fatal(err)
		}
		if want := (picture.Outcome{ID: p.ID, Status: picture.Annotated}); len(announced) != 1 || announced[0] != want {
			t.Errorf("announced %+v, want %+v", announced, want)
		}
	})
}
