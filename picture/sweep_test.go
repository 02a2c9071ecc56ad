package picture_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"triptych/picture"
)

func TestKeyAt(t *testing.T) {
	key := func(at time.Time) string {
		k, err := picture.NewID(at, rand.Text()).Key("image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	bound := picture.KeyAt(noon)
	t.Run("sorts_before_keys_created_at_t_or_later", func(t *testing.T) {
		for _, after := range []time.Duration{0, time.Millisecond, time.Hour, 200 * 365 * 24 * time.Hour} {
			if k := key(noon.Add(after)); k <= bound {
				t.Errorf("%s was created %s after t, but does not sort after %s", k, after, bound)
			}
		}
	})
	t.Run("sorts_after_keys_created_before_t", func(t *testing.T) {
		for _, before := range []time.Duration{time.Millisecond, time.Hour, 50 * 365 * 24 * time.Hour} {
			if k := key(noon.Add(-before)); k >= bound {
				t.Errorf("%s was created %s before t, but does not sort before %s", k, before, bound)
			}
		}
	})
}

func TestLowPriority(t *testing.T) {
	for name, c := range map[string]struct {
		sweep picture.Sweep
		want  bool
	}{
		"sweep_of_uploads_has_normal_priority": {picture.Sweep{Within: 60}, false},
		"backfill_by_bucket_has_low_priority":  {picture.Sweep{Bucket: "archive"}, true},
		"backfill_by_prefix_has_low_priority":  {picture.Sweep{Prefix: "old/"}, true},
		"reannotation_has_low_priority":        {picture.Sweep{Reannotate: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.sweep.LowPriority(); got != c.want {
				t.Errorf("LowPriority = %t, want %t", got, c.want)
			}
		})
	}
}

func TestInputOfASweep(t *testing.T) {
	for name, c := range map[string]struct{ input, invalid string }{
		"unknown_key_is_invalid":         {`{"withn":3600}`, `unknown field "withn"`},
		"negative_within_is_invalid":     {`{"within":-3600}`, `"within" is -3600`},
		"within_of_centuries_is_invalid": {`{"within":9300000000}`, `"within" is 9300000000`},
		"value_of_wrong_type":            {`{"within":"3600"}`, "cannot unmarshal string"},
		"unknown_key_stays_invalid":      {`{"invalid":"unknown field"}`, "unknown field"}, // the workflow's input, as the activity gets it
		"unknown_key_in_counts":          {`{"counts":{"archived":1}}`, `unknown field "archived"`},
		"key_of_a_newer_release":         {`{"checked":true,"prefix":"old/","order":"newest","counts":{"examined":1,"started":1,"archived":1}}`, ""},
		"operator_error_stays_invalid":   {`{"checked":true,"invalid":"unknown field"}`, "unknown field"},
		"empty_input_selects_all":        {`{}`, ""},
		"input_of_a_continued_sweep":     {`{"within":3600,"after":"k","began":"2026-11-22T12:00:00Z","counts":{"examined":1,"started":1,"skipped":1}}`, ""},
		"known_keys_can_all_be_decoded":  {`{"` + strings.ReplaceAll(picture.SweepKeys, ", ", `":null,"`) + `":null}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var s picture.Sweep
			if err := json.Unmarshal([]byte(c.input), &s); err != nil || !strings.Contains(s.Invalid, c.invalid) || (s.Invalid == "") != (c.invalid == "") {
				t.Errorf("got %+v, %v, want invalid: %q", s, err, c.invalid)
			}
		})
	}
}

func TestSweepSelects(t *testing.T) {
	later := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		sweep picture.Sweep
		at    time.Time
		want  bool
	}{
		"any_time_without_limits":            {picture.Sweep{}, noon, true},
		"upload_at_From":                     {picture.Sweep{From: noon}, noon, true},
		"no_upload_before_From":              {picture.Sweep{From: noon}, noon.Add(-time.Second), false},
		"upload_before_To":                   {picture.Sweep{To: later}, noon, true},
		"no_upload_at_To":                    {picture.Sweep{To: later}, later, false},
		"upload_between_both":                {picture.Sweep{From: noon, To: later}, noon.Add(time.Minute), true},
		"nothing_if_To_is_earlier_than_From": {picture.Sweep{From: later, To: noon}, noon.Add(time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.sweep.Selects(c.at); got != c.want {
				t.Errorf("Selects(%s) = %t, want %t", c.at, got, c.want)
			}
		})
	}
}
