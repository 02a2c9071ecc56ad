package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
)

// pagesPerRun is after how many pages runs go on in a new one that began before Temporal's suggestion was followed.
const pagesPerRun = 500

// fullWait is how long a sweep that works behind live pictures waits when enough runs are open.
const fullWait = 10 * time.Second

// SweepPictures starts what has neither a Record nor a run: S3 may lose an event, Triptych does not. It runs on
// schedules (see worker), and by hand to backfill any bucket or to annotate again what was annotated before.
func SweepPictures(ctx workflow.Context, s picture.Sweep) (picture.SweepCounts, error) {
	if s.Within > 0 && s.After == "" {
		s.After = picture.KeyAt(workflow.Now(ctx).Add(-time.Duration(s.Within) * time.Second))
	}
	if s.Reannotate && s.Began.IsZero() {
		s.Began = workflow.Now(ctx)
	}
	long := func(int) bool { return workflow.GetInfo(ctx).GetContinueAsNewSuggested() } // its history grows
	if workflow.GetVersion(ctx, "goes on in a new run when Temporal suggests it", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		long = func(pages int) bool { return pages == pagesPerRun }
	}
	for pages := 0; !long(pages); pages++ {
		var page activities.SweepResult
		if err := workflow.ExecuteActivity(sweeping(ctx), picture.SweepPageActivity, s).Get(ctx, &page); err != nil {
			return s.Counts, err
		}
		s.Counts.Examined += page.Examined
		s.Counts.Started += page.Started
		s.Counts.Skipped += page.Skipped
		if page.Full {
			if err := workflow.Sleep(ctx, fullWait); err != nil {
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
