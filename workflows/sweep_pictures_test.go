package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
	"triptych/workflows"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type pages struct {
	pages  []activities.SweepResult
	after  []string            // Sweep.After of each call
	began  []time.Time         // Sweep.Began of each call
	inputs []*commonpb.Payload // of each call

	suggestAfter int // Temporal suggests continue-as-new after this many pages; 0 for never
	env          *testsuite.TestWorkflowEnvironment
}

func (p *pages) SweepPage(_ context.Context, input converter.RawValue) (activities.SweepResult, error) {
	var s picture.Sweep
	if err := converter.GetDefaultDataConverter().FromPayload(input.Payload(), &s); err != nil {
		return activities.SweepResult{}, err
	}
	p.after, p.began, p.inputs = append(p.after, s.After), append(p.began, s.Began), append(p.inputs, input.Payload())
	if len(p.after) == p.suggestAfter {
		p.env.SetContinueAsNewSuggested(true)
	}
	return p.pages[min(len(p.after), len(p.pages))-1], nil
}

func page(examined, started int, last string) activities.SweepResult {
	return activities.SweepResult{SweepCounts: picture.SweepCounts{Examined: examined, Started: started}, Last: last}
}

func sweep(t *testing.T, p *pages, s picture.Sweep) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := newEnvironment()
	env.SetStartTime(noon)
	env.RegisterActivityWithOptions(p.SweepPage, activity.RegisterOptions{Name: picture.SweepPageActivity})
	env.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	p.env = env
	env.ExecuteWorkflow(picture.SweepWorkflow, s)
	return env
}

func TestSweepPicturesOfAnEmptyRangeFails(t *testing.T) {
	p := &pages{pages: []activities.SweepResult{page(1, 1, "")}}
	env := sweep(t, p, picture.Sweep{From: noon, To: noon})
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), `"from" must be before "to"`) || len(p.after) > 0 {
		t.Errorf("%v after %d pages", err, len(p.after))
	}
}

func TestSweepPictures(t *testing.T) {
	for name, c := range map[string]struct {
		pages []activities.SweepResult
		sweep picture.Sweep
		after []string
		want  picture.SweepCounts
	}{
		"all_pages_are_examined_and_counted": {
			pages: []activities.SweepResult{page(1000, 3, "k1"), page(1000, 0, "k2"), page(7, 1, "")},
			after: []string{"", "k1", "k2"}, want: picture.SweepCounts{Examined: 2007, Started: 4},
		},
		"Within_skips_older_keys": {
			pages: []activities.SweepResult{page(1, 0, "")}, sweep: picture.Sweep{Within: 3600},
			after: []string{picture.KeyAt(noon.Add(-time.Hour))}, want: picture.SweepCounts{Examined: 1},
		},
		"backfill_waits_while_too_many_workflows_are_open": {
			pages: []activities.SweepResult{page(9, 9, "k1"), {Full: true}, {Full: true}, page(5, 5, "")}, sweep: picture.Sweep{Prefix: "old/"},
			after: []string{"", "k1", "k1", "k1"}, want: picture.SweepCounts{Examined: 14, Started: 14},
		},
		"counts_of_the_previous_run_are_included": {
			pages: []activities.SweepResult{page(1, 1, "")}, sweep: picture.Sweep{After: "k9", Counts: picture.SweepCounts{Examined: 500, Started: 5}},
			after: []string{"k9"}, want: picture.SweepCounts{Examined: 501, Started: 6},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pages{pages: c.pages}
			env := sweep(t, p, c.sweep)
			var got picture.SweepCounts
			if err := env.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			if got != c.want || !slices.Equal(p.after, c.after) {
				t.Errorf("counted %+v after keys %q, want %+v after keys %q", got, p.after, c.want, c.after)
			}
		})
	}
	t.Run("large_bucket_continues_as_new_after_the_last_key", func(t *testing.T) {
		p := &pages{pages: []activities.SweepResult{page(1000, 2, "k1"), page(1000, 3, "k2")}, suggestAfter: 2}
		next, ok := errors.AsType[*workflow.ContinueAsNewError](sweep(t, p, picture.Sweep{Prefix: "old/"}).GetWorkflowError())
		if !ok {
			t.Fatal("the workflow did not continue as new")
		}
		var got picture.Sweep
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &got); err != nil {
			t.Fatal(err)
		}
		if want := (picture.Sweep{Prefix: "old/", After: "k2", Counts: picture.SweepCounts{Examined: 2000, Started: 5}, Checked: true}); got != want {
			t.Errorf("continued with %+v, want %+v", got, want)
		}
		t.Run("inputs_with_keys_of_a_newer_release_are_accepted", func(t *testing.T) {
			for _, input := range append(p.inputs, next.Input.Payloads...) {
				var s picture.Sweep
				newer := strings.Replace(string(input.Data), "{", `{"keyOfANewerRelease":1,`, 1)
				if err := json.Unmarshal([]byte(newer), &s); err != nil || s.Invalid != "" {
					t.Errorf("%s: %v, invalid: %q", newer, err, s.Invalid)
				}
			}
		})
	})
	t.Run("Within_of_a_backfill_selects_by_the_time_of_the_upload", func(t *testing.T) {
		for from, want := range map[time.Time]time.Time{{}: noon.Add(-time.Hour), noon.Add(-time.Minute): noon.Add(-time.Minute)} {
			p := &pages{pages: []activities.SweepResult{page(1, 0, "")}}
			sweep(t, p, picture.Sweep{Prefix: "2019/", Within: 3600, From: from})
			var got picture.Sweep
			if err := json.Unmarshal(p.inputs[0].Data, &got); err != nil || !got.From.Equal(want) || got.After != "" {
				t.Errorf("examines from %v after key %q, %v, want from %v", got.From, got.After, err, want)
			}
		}
	})
	t.Run("paused_backfill_keeps_its_range_of_time", func(t *testing.T) {
		p := &pages{pages: []activities.SweepResult{{Full: true}, {Full: true}}, suggestAfter: 2}
		next, ok := errors.AsType[*workflow.ContinueAsNewError](sweep(t, p, picture.Sweep{Prefix: "old/", Within: 3600}).GetWorkflowError())
		if !ok {
			t.Fatal("the workflow did not continue as new")
		}
		var got picture.Sweep
		if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &got); err != nil {
			t.Fatal(err)
		}
		if !got.From.Equal(noon.Add(-time.Hour)) || got.Within != 0 {
			t.Errorf("continued with %+v, want the hour before the first run", got)
		}
	})
	t.Run("misspelt_key_of_an_operator_reaches_the_activity", func(t *testing.T) {
		var s, input picture.Sweep
		if err := json.Unmarshal([]byte(`{"withn":3600}`), &s); err != nil {
			t.Fatal(err)
		}
		p := &pages{pages: []activities.SweepResult{page(1, 1, "")}}
		sweep(t, p, s)
		if err := json.Unmarshal(p.inputs[0].Data, &input); err != nil || !strings.Contains(input.Invalid, "withn") {
			t.Errorf("%v, invalid: %q", err, input.Invalid)
		}
	})
}

func TestSweepPicturesBegan(t *testing.T) {
	earlier := noon.Add(-36 * time.Hour)
	for name, c := range map[string]struct {
		sweep picture.Sweep
		want  time.Time
	}{
		"is_the_start_of_a_reannotating_sweep":     {picture.Sweep{Reannotate: true}, noon},
		"survives_continue_as_new":                 {picture.Sweep{Reannotate: true, Began: earlier}, earlier},
		"is_zero_if_the_sweep_does_not_reannotate": {picture.Sweep{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pages{pages: []activities.SweepResult{page(9, 9, "k1"), {Full: true}, page(1, 1, "")}}
			sweep(t, p, c.sweep)
			if !slices.Equal(p.began, []time.Time{c.want, c.want, c.want}) {
				t.Errorf("Began is %v, want %v", p.began, c.want)
			}
		})
	}
}
