package main

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func descending(n int) []float64 {
	var all []float64
	for i := range n {
		all = append(all, float64(n-i))
	}
	return all
}

func TestSummaries(t *testing.T) {
	none := math.NaN()
	for name, tt := range map[string]struct {
		summary summary
		values  []float64
		want    float64
	}{
		"median_of_one_value_is_that_value":          {median, []float64{7}, 7},
		"median_of_two_values_is_their_mean":         {median, []float64{30, 10}, 20},
		"median_of_three_values_is_the_middle_one":   {median, []float64{30, 10, 11}, 11},
		"median_of_four_values_is_a_mean_of_two":     {median, []float64{4, 1, 100, 2}, 3},
		"median_of_no_values_is_nil":                 {median, nil, none},
		"p90_of_10_values_is_the_second_largest":     {quantile(.9), descending(10), 9},
		"p99_of_100_values_is_the_second_largest":    {quantile(.99), descending(100), 99},
		"p99_of_99_values_is_the_largest":            {quantile(.99), descending(99), 99},
		"quantile_of_no_values_is_nil":               {quantile(.9), nil, none},
		"maximum_is_the_largest_value":               {maximum, []float64{1, 3, 2}, 3},
		"maximum_of_no_values_is_nil":                {maximum, nil, none},
		"scaled_median_is_the_median_times_a_factor": {scaled(median, 1e-3), []float64{1000, 3000}, 2},
		"scaled_maximum_of_no_values_is_nil":         {scaled(maximum, 1e-3), nil, none},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(tt.values)
			if got := tt.summary(tt.values); !equal(got, tt.want) {
				t.Errorf("got %s, want %v", format(got), tt.want)
			}
			if !slices.Equal(tt.values, before) {
				t.Errorf("the summary changed its input to %v", tt.values)
			}
		})
	}
}

// NaN stands for an empty cell.
func equal(cell *float64, want float64) bool {
	if cell == nil {
		return math.IsNaN(want)
	}
	return math.Abs(*cell-want) < 1e-9
}

func TestTail(t *testing.T) {
	for name, tt := range map[string]struct {
		latencies       map[string][]float64
		wantName        string
		plain, triptych float64
	}{
		"fewer_than_100_values_give_the_maximum":        {map[string][]float64{"plain": descending(40), "triptych": descending(99)}, "max", 40, 99},
		"100_values_give_p99":                           {map[string][]float64{"plain": descending(200), "triptych": descending(100)}, "p99", 198, 99},
		"variant_with_too_few_values_for_p99_gets_none": {map[string][]float64{"plain": descending(40), "triptych": descending(100)}, "p99", math.NaN(), 99},
		"metric_without_values_gives_no_maximum_either": {nil, "max", math.NaN(), math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			m := measurements{"latency": tt.latencies}
			tailName, tail := m.tail("latency")
			r := m.row("", "ms", "latency", tail)
			if tailName != tt.wantName || !equal(r.Plain, tt.plain) || !equal(r.Triptych, tt.triptych) {
				t.Errorf("%s is %s and %s", tailName, format(r.Plain), format(r.Triptych))
			}
		})
	}
}

func TestRows(t *testing.T) {
	none := math.NaN()
	full := measurements{"latency": {"direct": {2, 2}, "plain": {12, 32}, "triptych": {13, 11}}}
	withoutDirect := measurements{"latency": {"plain": {1}, "triptych": {2}}}
	for name, tt := range map[string]struct {
		row  row
		want [4]float64 // direct, plain, triptych, ratio
	}{
		"row_has_the_ratio_of_triptych_to_plain":   {full.row("", "", "latency", median), [4]float64{2, 22, 12, 12.0 / 22}},
		"overhead_is_the_difference_from_direct":   {full.overhead("", "", "latency", median), [4]float64{none, 20, 10, .5}},
		"overhead_without_direct_is_empty":         {withoutDirect.overhead("", "", "latency", median), [4]float64{none, none, none, none}},
		"overhead_of_a_faster_variant_is_negative": {measurements{"latency": {"direct": {5}, "triptych": {4}}}.overhead("", "", "latency", median), [4]float64{none, none, -1, none}},
		"ratio_to_zero_is_empty":                   {measurements{"failures": {"plain": {0}, "triptych": {1}}}.row("", "", "failures", maximum), [4]float64{none, 0, 1, none}},
		"ratio_of_an_unmeasured_variant_is_empty":  {measurements{"latency": {"plain": {1}}}.row("", "", "latency", median), [4]float64{none, 1, none, none}},
		"row_of_an_unmeasured_metric_is_empty":     {measurements{}.row("", "", "latency", median), [4]float64{none, none, none, none}},
		"share_of_encryption_is_a_percentage":      {measurements{"encryption CPU": {"triptych": {.5}}, "CPU": {"triptych": {40, 60}}}.encryptionShare(""), [4]float64{none, none, 1, none}},
		"share_of_encryption_needs_the_CPU_time":   {measurements{"encryption CPU": {"triptych": {.5}}}.encryptionShare(""), [4]float64{none, none, none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, cell := range []*float64{tt.row.Direct, tt.row.Plain, tt.row.Triptych, tt.row.Ratio} {
				if !equal(cell, tt.want[i]) {
					t.Errorf("cell %d is %s, want %v", i+1, format(cell), tt.want[i])
				}
			}
		})
	}
}

func TestStockRows(t *testing.T) {
	t.Run("overhead_and_ratio_include_the_stock_server", func(t *testing.T) {
		m := measurements{"latency": {"direct": {5}, "triptych": {15}, "plain-stock": {55}, "triptych-stock": {45}}}
		r := m.overhead("", "", "latency", median)
		if !equal(r.PlainStock, 50) || !equal(r.TriptychStock, 40) || !equal(r.StockRatio, .25) {
			t.Errorf("got %s, %s and %s", format(r.PlainStock), format(r.TriptychStock), format(r.StockRatio))
		}
	})
}

func TestTable(t *testing.T) {
	t.Run("group_name_is_printed_once", func(t *testing.T) {
		var out bytes.Buffer
		if err := (table{{Name: "one picture: p50"}, {Name: "one picture: p90"}, {Name: "memory"}, {Name: "other: p50"}}).write(&out); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[2:] {
			names = append(names, strings.TrimSpace(strings.Split(line, "|")[1]))
		}
		if !slices.Equal(names, []string{"one picture: p50", "p90", "memory", "other: p50"}) {
			t.Errorf("got %q", names)
		}
	})
	for name, tt := range map[string]struct {
		latencies   map[string][]float64
		header, row string
	}{
		"all_variants_but_direct_have_columns_and_both_ratios": {map[string][]float64{"plain-stock": {40}, "triptych-stock": {30}, postgresVariant: {25}, "plain": {20}, "triptych": {15}}, "|||plain-stock|triptych-stock|triptych-postgres|plain|triptych|triptych÷plain|triptych÷triptych-stock|", "|one|ms|40|30|25|20|15|0.75|0.50|"},
		"variants_that_are_not_measured_have_no_columns":       {map[string][]float64{"direct": {5}, "triptych": {15}}, "|||direct|triptych|", "|one|ms|5|15|"},
	} {
		t.Run(name, func(t *testing.T) {
			m := measurements{"latency": tt.latencies}
			var out bytes.Buffer
			if err := (table{m.row("one", "ms", "latency", median)}).write(&out); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.ReplaceAll(out.String(), " ", ""), "\n")
			if lines[0] != tt.header || lines[2] != tt.row {
				t.Errorf("got %s", &out)
			}
		})
	}
	t.Run("row_names_are_unique", func(t *testing.T) {
		seen := map[string]bool{}
		for _, r := range (measurements{}).table(fullPlan) {
			if seen[r.Name] {
				t.Errorf("%q is a duplicate", r.Name)
			}
			seen[r.Name] = true
		}
	})
}

func TestTimeline(t *testing.T) {
	t.Run("each_event_has_its_time_and_the_time_since_the_previous_event", func(t *testing.T) {
		m := measurements{
			"latency":              {"triptych": {3, 9}},
			eventTime + "01 Start": {"triptych": {0, 0}}, eventWait + "01 Start": {"triptych": {0, 0}},
			eventTime + "02 End": {"triptych": {3, 9}}, eventWait + "02 End": {"triptych": {3, 9}},
		}
		var out bytes.Buffer
		if err := m.writeTimeline(&out); err != nil {
			t.Fatal(err)
		}
		want := "since the previous event, max | event |\n| ---: | ---: | ---: | --- |\n| 0 | 0 | 0 | 01 Start |\n| 6 | 6 | 9 | 02 End |\n"
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("got %s, want at its end %s", out.String(), want)
		}
	})
}
