package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
	"triptych/workflows"
)

func TestErasePicture(t *testing.T) {
	once := []string{picture.WriteTombstoneActivity, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity}
	again := []string{picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity}
	for name, c := range map[string]struct {
		age   time.Duration // of the picture's ID
		waits time.Duration
		fail  string // this activity fails once
		want  []string
	}{
		"a_new_picture_is_erased_again_once_its_grant_has_expired": {
			age: 5 * time.Minute, waits: picture.GrantTTL - 4*time.Minute, want: slices.Concat(once, again),
		},
		"an_old_picture_is_erased_at_once": {
			age: time.Hour, want: slices.Concat(once, again),
		},
		"the_tombstone_comes_first_even_if_it_takes_two_attempts": {
			age: time.Hour, fail: picture.WriteTombstoneActivity, waits: 200 * time.Millisecond, want: slices.Concat([]string{picture.WriteTombstoneActivity}, once, again),
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := environment()
			var called []string
			for _, step := range []string{picture.WriteTombstoneActivity, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity} {
				env.RegisterActivityWithOptions(func(context.Context, picture.ID) error {
					called = append(called, step)
					if step == c.fail && len(called) == 1 {
						return says(picture.Unavailable)
					}
					return nil
				}, activity.RegisterOptions{Name: step})
			}
			started := env.Now()
			id := picture.NewID(started.Add(-c.age))
			env.ExecuteWorkflow(workflows.ErasePicture, id)
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(called, c.want) {
				t.Errorf("did %v, want %v", called, c.want)
			}
			if waited := env.Now().Sub(started); (waited - c.waits).Abs() > time.Second {
				t.Errorf("waited %s, want %s", waited, c.waits)
			}
		})
	}
}
