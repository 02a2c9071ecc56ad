package workflows_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"triptych/picture"
	"triptych/workflows"
)

func TestErasePicture(t *testing.T) {
	deletions := []string{picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity}
	tombstone := []string{picture.WriteTombstoneActivity}
	everything := slices.Concat(tombstone, deletions, deletions)
	for name, c := range map[string]struct {
		age  time.Duration // since the picture's ID was created
		wait time.Duration
		fail string // the first call of this activity fails
		want []string
	}{
		"new_picture_is_deleted_again_after_its_grant_expires": {
			age: 5 * time.Minute, wait: picture.GrantTTL - 4*time.Minute, want: everything,
		},
		"old_picture_is_deleted_without_waiting": {
			age: time.Hour, want: everything,
		},
		"nothing_is_deleted_before_the_tombstone_is_written": {
			age: time.Hour, fail: picture.WriteTombstoneActivity, wait: 200 * time.Millisecond, want: slices.Concat(tombstone, everything),
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newEnvironment()
			var calls []string
			for _, name := range []string{picture.WriteTombstoneActivity, picture.TerminateWorkflowActivity, picture.DeleteObjectActivity, picture.DeleteHistoryActivity} {
				env.RegisterActivityWithOptions(func(context.Context, picture.ID) error {
					calls = append(calls, name)
					if name == c.fail && len(calls) == 1 {
						return failure(picture.Unavailable)
					}
					return nil
				}, activity.RegisterOptions{Name: name})
			}
			started := env.Now()
			env.ExecuteWorkflow(workflows.ErasePicture, picture.NewID(started.Add(-c.age), rand.Text()))
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(calls, c.want) {
				t.Errorf("called %v, want %v", calls, c.want)
			}
			if waited := env.Now().Sub(started); (waited - c.wait).Abs() > time.Second {
				t.Errorf("waited %s, want %s", waited, c.wait)
			}
		})
	}
}
