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

// announce is a step that AnnotatePicture might get one day: tell someone that a picture has its Record.
const announce = "announce"

// announcing is AnnotatePicture with that step, as such a change is to be made. The first argument names the change; it
// stays for as long as such runs may be open. Then the condition goes, and GetVersion's lowest version becomes 1.
func announcing(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	outcome, err := workflows.AnnotatePicture(ctx, order)
	if err != nil || workflow.GetVersion(ctx, "announce", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return outcome, err
	}
	return outcome, announced(ctx, outcome)
}

// careless is the same change without GetVersion.
func careless(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	outcome, err := workflows.AnnotatePicture(ctx, order)
	if err != nil {
		return outcome, err
	}
	return outcome, announced(ctx, outcome)
}

func announced(ctx workflow.Context, outcome picture.Outcome) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	return workflow.ExecuteActivity(ctx, announce, outcome).Get(ctx, nil)
}

func TestVersioning(t *testing.T) {
	for name := range branches() {
		path := recorded(picture.AnnotateWorkflow, name)
		t.Run(name+"_replays_on_the_changed_workflow", func(t *testing.T) {
			if err := replay(path, announcing, workflows.ErasePicture, workflows.SweepPictures); err != nil {
				t.Error(err)
			}
		})
		t.Run(name+"_does_not_replay_on_one_changed_without_GetVersion", func(t *testing.T) {
			if err := replay(path, careless, workflows.ErasePicture, workflows.SweepPictures); err == nil {
				t.Error("the change went unnoticed")
			}
		})
	}
	t.Run("a_new_run_goes_the_new_way", func(t *testing.T) {
		env := environment()
		(&script{}).register(env)
		var told []picture.Outcome
		env.RegisterActivityWithOptions(func(_ context.Context, o picture.Outcome) error {
			told = append(told, o)
			return nil
		}, activity.RegisterOptions{Name: announce})
		p := goldenPicture(t)
		env.ExecuteWorkflow(announcing, picture.Order{Picture: p})
		if err := env.GetWorkflowError(); err != nil {
			t.Fatal(err)
		}
		if want := (picture.Outcome{ID: p.ID, Status: picture.Annotated}); len(told) != 1 || told[0] != want {
			t.Errorf("announced %+v, want %+v", told, want)
		}
	})
}
