package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
	"triptych/workflows"
)

// pages answers for the activity: the pages of a bucket, one after the other.
type pages struct {
	answers []activities.SweepResult
	asked   []string // after which key
	began   []time.Time
	long    int // after so many pages the history is long; 0 is never
	env     *testsuite.TestWorkflowEnvironment
}

func (p *pages) Sweep(_ context.Context, s picture.Sweep) (activities.SweepResult, error) {
	p.asked, p.began = append(p.asked, s.After), append(p.began, s.Began)
	if len(p.asked) == p.long {
		p.env.SetContinueAsNewSuggested(true)
	}
	return p.answers[min(len(p.asked), len(p.answers))-1], nil
}

func page(looked, started int, last string) activities.SweepResult {
	return activities.SweepResult{SweepCounts: picture.SweepCounts{Examined: looked, Started: started}, Last: last}
}

func sweep(t *testing.T, p *pages, s picture.Sweep) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := environment()
	env.SetStartTime(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	env.RegisterActivityWithOptions(p.Sweep, activity.RegisterOptions{Name: picture.SweepPageActivity})
	env.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	p.env = env
	env.ExecuteWorkflow(picture.SweepWorkflow, s)
	return env
}

func TestSweepPictures(t *testing.T) {
	for name, c := range map[string]struct {
		pages []activities.SweepResult
		sweep picture.Sweep
		asked []string
		want  picture.SweepCounts
	}{
		"every_page_is_looked_at_and_counted": {
			pages: []activities.SweepResult{page(1000, 3, "k1"), page(1000, 0, "k2"), page(7, 1, "")},
			asked: []string{"", "k1", "k2"}, want: picture.SweepCounts{Examined: 2007, Started: 4},
		},
		"only_what_was_minted_lately_is_looked_at": {
			pages: []activities.SweepResult{page(1, 0, "")}, sweep: picture.Sweep{Within: 3600},
			asked: []string{picture.KeyAt(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC))}, want: picture.SweepCounts{Examined: 1},
		},
		"a_backfill_waits_while_enough_runs_are_open_and_then_goes_on_where_it_was": {
			pages: []activities.SweepResult{page(9, 9, "k1"), {Full: true}, {Full: true}, page(5, 5, "")}, sweep: picture.Sweep{Prefix: "old/"},
			asked: []string{"", "k1", "k1", "k1"}, want: picture.SweepCounts{Examined: 14, Started: 14},
		},
		"what_was_counted_before_is_kept": {
			pages: []activities.SweepResult{page(1, 1, "")}, sweep: picture.Sweep{After: "k9", Counts: picture.SweepCounts{Examined: 500, Started: 5}},
			asked: []string{"k9"}, want: picture.SweepCounts{Examined: 501, Started: 6},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pages{answers: c.pages}
			env := sweep(t, p, c.sweep)
			var got picture.SweepCounts
			if err := env.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			if got != c.want || !slices.Equal(p.asked, c.asked) {
				t.Errorf("swept %+v asking after %q, want %+v after %q", got, p.asked, c.want, c.asked)
			}
		})
	}
	t.Run("what_is_annotated_again_is_what_was_annotated_before_the_sweep_began", func(t *testing.T) {
		noon, earlier := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
		for name, c := range map[string]struct {
			sweep picture.Sweep
			want  time.Time
		}{
			"a new one":           {picture.Sweep{Reannotate: true}, noon},
			"one that goes on":    {picture.Sweep{Reannotate: true, Began: earlier}, earlier},
			"one that looks only": {picture.Sweep{}, time.Time{}},
		} {
			p := &pages{answers: []activities.SweepResult{page(9, 9, "k1"), {Full: true}, page(1, 1, "")}}
			sweep(t, p, c.sweep)
			if !slices.Equal(p.began, []time.Time{c.want, c.want, c.want}) {
				t.Errorf("%s began at %v, want %v", name, p.began, c.want)
			}
		}
	})
	t.Run("a_large_bucket_goes_on_in_a_new_run_where_it_was", func(t *testing.T) {
		p := &pages{answers: []activities.SweepResult{page(1000, 2, "k1"), page(1000, 3, "k2")}, long: 2}
		next, ok := errors.AsType[*workflow.ContinueAsNewError](sweep(t, p, picture.Sweep{Prefix: "old/"}).GetWorkflowError())
		if !ok {
			t.Fatal("it did not go on in a new run")
		}
		var got picture.Sweep
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &got); err != nil {
			t.Fatal(err)
		}
		if want := (picture.Sweep{Prefix: "old/", After: "k2", Counts: picture.SweepCounts{Examined: 2000, Started: 5}}); got != want {
			t.Errorf("it goes on with %+v, want %+v", got, want)
		}
	})
}
