package activities

import (
	"fmt"
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
	for _, key := range []string{"backfill/1.jpg", "backfill/2.jpg", "backfill/3.jpg"} {
		c.upload(t, picture.Picture{ID: p.ID, Bucket: p.Bucket, Key: key}, readPhoto(t))
	}
	c.Budget.PerDay = 9 // so at most five workflows of a backfill may be open
	for open, want := range map[int64]SweepResult{
		2: {SweepCounts: picture.SweepCounts{Examined: 3, Skipped: 3}},
		3: {SweepCounts: picture.SweepCounts{Examined: 2, Skipped: 2}, Last: "backfill/2.jpg"},
		4: {SweepCounts: picture.SweepCounts{Examined: 1, Skipped: 1}, Last: "backfill/1.jpg"},
		5: {Full: true},
	} {
		t.Run(fmt.Sprint("backfill_with_", open, "_open_workflows_leaves_half_of_the_day_to_uploads"), func(t *testing.T) {
			gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
			server.open = open
			got, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{Prefix: "backfill/"})
			if err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		})
	}
	c.Budget.PerDay = 1_000_000
	t.Run("backfill_examines_nothing_while_too_many_workflows_are_open", func(t *testing.T) {
		server.open = maxOpenWorkflows
		got, err := execute[SweepResult](t, c, picture.SweepPageActivity, backfill)
		if want := (SweepResult{Full: true}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
}
