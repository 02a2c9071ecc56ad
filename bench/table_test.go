package main

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// to is the numbers from 1 to n, the largest first.
func to(n int) []float64 {
	var all []float64
	for i := range n {
		all = append(all, float64(n-i))
	}
	return all
}

func TestSummaries(t *testing.T) {
	for name, tt := range map[string]struct {
		summary summary
		values  []float64
		want    float64 // NaN: none
	}{
		"the_median_of_one_is_it":              {median, []float64{7}, 7},
		"the_median_of_two_is_their_mean":      {median, []float64{30, 10}, 20},
		"the_median_of_three_is_the_middle":    {median, []float64{30, 10, 11}, 11},
		"the_median_of_four_is_between":        {median, []float64{4, 1, 100, 2}, 3},
		"the_median_of_none_is_none":           {median, nil, math.NaN()},
		"p90_of_10_leaves_out_one":             {quantile(.9), to(10), 9},
		"p99_of_100_leaves_out_one":            {quantile(.99), to(100), 99},
		"p99_of_99_is_the_largest":             {quantile(.99), to(99), 99},
		"a_quantile_of_none_is_none":           {quantile(.9), nil, math.NaN()},
		"most_is_the_largest":                  {most, []float64{1, 3, 2}, 3},
		"most_of_none_is_none":                 {most, nil, math.NaN()},
		"what_is_scaled_is_scaled":             {scaled(median, 1e-3), []float64{1000, 3000}, 2},
		"what_there_is_not_is_not_when_scaled": {scaled(most, 1e-3), nil, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(tt.values)
			if got := tt.summary(tt.values); !same(got, tt.want) {
				t.Errorf("it is %s, want %v", show(got), tt.want)
			}
			if !slices.Equal(tt.values, before) {
				t.Errorf("it changed what it was given to %v", tt.values)
			}
		})
	}
}

// same compares a cell with a number, NaN being none.
func same(cell *float64, want float64) bool {
	if cell == nil {
		return math.IsNaN(want)
	}
	return math.Abs(*cell-want) < 1e-9
}

func TestWorst(t *testing.T) {
	for name, tt := range map[string]struct {
		of             map[string][]float64
		called         string
		plain, shipped float64
	}{
		"of_fewer_than_100_it_is_the_largest_and_says_so": {map[string][]float64{"plain": to(40), "triptych": to(99)}, "max", 40, 99},
		"of_100_it_is_p99":                        {map[string][]float64{"plain": to(200), "triptych": to(100)}, "p99", 198, 99},
		"a_variant_of_fewer_has_none_beside_them": {map[string][]float64{"plain": to(40), "triptych": to(100)}, "p99", math.NaN(), 99},
		"of_none_there_is_none":                   {nil, "max", math.NaN(), math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			m := measurements{"idle": tt.of}
			called, worst := m.worst("idle")
			r := m.row("", "ms", "idle", worst)
			if called != tt.called || !same(r.Plain, tt.plain) || !same(r.Triptych, tt.shipped) {
				t.Errorf("%s is %s and %s", called, show(r.Plain), show(r.Triptych))
			}
		})
	}
}

func TestRows(t *testing.T) {
	none := math.NaN()
	full := measurements{"idle": {"direct": {2, 2}, "default": {102}, "plain": {12, 32}, "triptych": {13, 11}}}
	for name, tt := range map[string]struct {
		row  row
		want [5]float64 // direct, default, plain, triptych, ratio
	}{
		"a_row_has_a_ratio":                           {full.row("", "", "idle", median), [5]float64{2, 102, 22, 12, 12.0 / 22}},
		"over_direct_is_a_difference_and_its_ratio":   {full.over("", "", "idle", median), [5]float64{none, 100, 20, 10, .5}},
		"percent_over_direct_is_of_direct":            {full.percentOver("", "idle"), [5]float64{none, 5000, 1000, 500, .5}},
		"over_direct_there_is_none_without_direct":    {measurements{"idle": {"plain": {1}, "triptych": {2}}}.over("", "", "idle", median), [5]float64{none, none, none, none, none}},
		"percent_over_there_is_none_without_direct":   {measurements{"idle": {"plain": {1}, "triptych": {2}}}.percentOver("", "idle"), [5]float64{none, none, none, none, none}},
		"less_than_direct_is_negative":                {measurements{"idle": {"direct": {5}, "triptych": {4}}}.over("", "", "idle", median), [5]float64{none, none, none, -1, none}},
		"there_is_no_ratio_to_nothing":                {measurements{"failed": {"plain": {0}, "triptych": {1}}}.row("", "", "failed", most), [5]float64{none, none, 0, 1, none}},
		"there_is_no_ratio_of_what_was_not_measured":  {measurements{"idle": {"plain": {1}}}.row("", "", "idle", median), [5]float64{none, none, 1, none, none}},
		"there_is_nothing_of_what_was_never_measured": {measurements{}.row("", "", "idle", median), [5]float64{none, none, none, none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, cell := range []*float64{tt.row.Direct, tt.row.Default, tt.row.Plain, tt.row.Triptych, tt.row.Ratio} {
				if !same(cell, tt.want[i]) {
					t.Errorf("cell %d is %s, want %v", i+1, show(cell), tt.want[i])
				}
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Run("what_rows_are_about_is_said_once", func(t *testing.T) {
		var out bytes.Buffer
		if err := (table{{Name: "one picture: p50"}, {Name: "one picture: p90"}, {Name: "bootstrap"}, {Name: "other: p50"}}).write(&out); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[2:] {
			names = append(names, strings.TrimSpace(strings.Split(line, "|")[1]))
		}
		if !slices.Equal(names, []string{"one picture: p50", "p90", "bootstrap", "other: p50"}) {
			t.Errorf("got %q", names)
		}
	})
	t.Run("no_two_rows_have_a_name_in_common", func(t *testing.T) {
		seen := map[string]bool{}
		for _, r := range (measurements{}).table(thorough) {
			if seen[r.Name] {
				t.Errorf("%q is there twice", r.Name)
			}
			seen[r.Name] = true
		}
	})
}

func TestTimeline(t *testing.T) {
	m := measurements{
		"idle":                 {"triptych": {3, 9}},
		eventKind + "01 Start": {"triptych": {0, 0}}, waitKind + "01 Start": {"triptych": {0, 0}},
		eventKind + "02 End": {"triptych": {3, 9}}, waitKind + "02 End": {"triptych": {3, 9}},
	}
	var out bytes.Buffer
	if err := m.writeTimeline(&out); err != nil {
		t.Fatal(err)
	}
	if want := "since the last, max | event |\n| ---: | ---: | ---: | --- |\n| 0 | 0 | 0 | 01 Start |\n| 6 | 6 | 9 | 02 End |\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %s, want at its end %s", out.String(), want)
	}
}
