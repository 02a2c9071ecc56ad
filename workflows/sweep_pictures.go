package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
)

// SweepPictures starts AnnotatePicture for the objects that SweepPage selects. It repairs lost S3 events, and it backfills and
// reannotates.
func SweepPictures(ctx workflow.Context, s picture.Sweep) (picture.SweepCounts, error) {
	if !s.To.IsZero() && !s.From.Before(s.To) {
		return s.Counts, temporal.NewNonRetryableApplicationError(`"from" must be before "to"`, string(picture.Misconfigured), nil)
	}
	if s.Within > 0 && s.After == "" {
		since := workflow.Now(ctx).Add(-time.Duration(s.Within) * time.Second)
		if !s.Backfill() {
			s.After = picture.KeyAt(since)
		} else if since.After(s.From) { // the keys of a backfill contain no time
			s.From = since
		}
		s.Within = 0 // a continued run must not move From
	}
	if s.Reannotate && s.Began.IsZero() {
		s.Began = workflow.Now(ctx)
	}
	s.Checked = true
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		var page activities.SweepResult
		if err := workflow.ExecuteActivity(sweepOptions(ctx), picture.SweepPageActivity, s).Get(ctx, &page); err != nil {
			return s.Counts, err
		}
		s.Counts.Examined += page.Examined
		s.Counts.Started += page.Started
		s.Counts.Skipped += page.Skipped
		if page.Full { // too many workflows are open
			if err := workflow.Sleep(ctx, 10*time.Second); err != nil {
				return s.Counts, err
			}
			continue
		}
		if page.Last == "" {
			return s.Counts, nil
		}
		s.After = page.Last
	}
	return s.Counts, workflow.NewContinueAsNewError(ctx, picture.SweepWorkflow, s)
}
