package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
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
	for name, c := range map[string]struct {
		options worker.Options
		want    []picture.Outcome
	}{
		"new_workflow_executes_the_new_step":                    {want: []picture.Outcome{{ID: goldenPicture(t).ID, Status: picture.Annotated}}},
		"new_workflow_omits_the_new_step_until_another_release": {options: worker.Options{PreferredVersionProvider: workflows.PreferredVersion}},
	} {
		t.Run(name, func(t *testing.T) {
			env := newEnvironment()
			env.SetWorkerOptions(c.options)
			(&script{}).register(env)
			var announced []picture.Outcome
			env.RegisterActivityWithOptions(func(_ context.Context, o picture.Outcome) error {
				announced = append(announced, o)
				return nil
			}, activity.RegisterOptions{Name: announceActivity})
			env.ExecuteWorkflow(withAnnounce, picture.Order{Picture: goldenPicture(t)})
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(announced, c.want) {
				t.Errorf("announced %+v, want %+v", announced, c.want)
			}
		})
	}
}
