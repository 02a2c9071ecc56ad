package activities

import (
	"testing"

	"triptych/picture"
)

func TestSweepPage(t *testing.T) {
	c := openClouds(t)
	server := c.startTemporal(t)
	p := newPicture(t)
	before := picture.KeyAt(p.ID.CreatedAt())
	p = c.upload(t, p, readPhoto(t))
	t.Run("missing_permission_for_an_upload_waits_for_the_operator", func(t *testing.T) {
		gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		_, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{After: before})
		checkCloud(t, checkFailure(t, err, picture.Forbidden), picture.AWS)
	})
	backfill := picture.Sweep{Prefix: p.Key}
	t.Run("missing_permission_for_an_object_of_a_backfill_skips_it", func(t *testing.T) {
		gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		if want := (SweepResult{SweepCounts: picture.SweepCounts{Examined: 1, Skipped: 1}}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
	t.Run("backfill_examines_nothing_while_too_many_workflows_are_open", func(t *testing.T) {
		server.open = maxOpenWorkflows
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		if want := (SweepResult{Full: true}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
}
