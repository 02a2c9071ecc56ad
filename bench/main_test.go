package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"triptych/internal/records"
	"triptych/picture"
)

var smallPlan = plan{rounds: 1, sequential: 2, slowClouds: 1, inFlight: []int{1, 4}, interval: 100 * time.Millisecond, backlogSize: 20}

func TestBench(t *testing.T) {
	r, err := openRig(t.Context(), t.TempDir(), defaultVariants, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	container, err := records.Open(records.Config{Endpoint: r.stack.Endpoints.Cosmos, Key: r.stack.Endpoints.CosmosKey})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.variants {
		t.Run(v.name+"_writes_an_annotated_Record", func(t *testing.T) {
			p, _, err := v.process(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			record, _, err := container.Read(t.Context(), p.ID)
			if err != nil || record.Status != picture.Annotated || !bytes.Contains(record.Annotation, []byte("faceAnnotations")) {
				t.Errorf("Record %.300v, %v", record, err)
			}
		})
	}
	t.Run("measurements_fill_the_whole_table", func(t *testing.T) {
		m, err := r.measure(t.Context(), smallPlan)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, m.table(smallPlan))
	})
	t.Run("interrupted_measurement_returns_partial_results", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r.progress = cancelOn{"sequential pictures: plain", cancel}
		m, err := r.measure(ctx, smallPlan)
		if err == nil || len(m["latency"]["direct"]) != smallPlan.sequential || len(m["latency"]["plain"]) != 0 {
			t.Errorf("measured %v, %v", m, err)
		}
	})
}

// TestSubset measures the variants that TestBench does not, and subsets. `go run ./bench -only direct,triptych` once failed,
// because the first picture was sent before the process of direct listened.
func TestSubset(t *testing.T) {
	tiny := plan{rounds: 1, sequential: 1, slowClouds: 1, inFlight: []int{1}, interval: 10 * time.Millisecond, backlogSize: 1}
	for _, names := range [][]string{{"direct"}, {traced}, {"direct", "triptych"}, {"plain-stock"}, {"triptych", "triptych-stock"}, {postgresVariant}} {
		t.Run(strings.Join(names, "_and_")+"_can_be_measured", func(t *testing.T) {
			if names[0] == postgresVariant {
				requirePostgres(t)
			}
			r, err := openRig(t.Context(), t.TempDir(), names, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			if err := r.warmUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			m, err := r.measure(t.Context(), tiny)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.table(tiny).write(t.Output()); err != nil {
				t.Error(err)
			}
			for _, name := range names {
				metric := "latency"
				if name == traced {
					metric = "CPU with traces"
				}
				if len(m[metric][name]) != 1 {
					t.Errorf("%s has the measurements %v", name, m)
				}
			}
		})
	}
}

func requirePostgres(t *testing.T) {
	t.Helper()
	if _, err := findPostgres(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

type cancelOn struct {
	text   string
	cancel func()
}

func (c cancelOn) Write(progress []byte) (int, error) {
	if strings.Contains(string(progress), c.text) {
		c.cancel()
	}
	return len(progress), nil
}

func checkTable(t *testing.T, rows table) {
	var text, lines bytes.Buffer
	if err := rows.write(&text); err != nil {
		t.Fatal(err)
	}
	if err := rows.writeJSON(&lines); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	if n := strings.Count(text.String(), "\n"); n != len(rows)+2 {
		t.Errorf("%d lines for %d rows", n, len(rows))
	}
	got := map[string]float64{}
	for decoder := json.NewDecoder(&lines); decoder.More(); {
		var r row
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		fromProc := r.Unit == "s" || r.Unit == "%" || r.Unit == "MB" // read from /proc, which only Linux has
		if _, err := os.Stat("/proc/self/stat"); fromProc && err != nil {
			continue
		}
		if _, duplicate := got[r.Name]; duplicate || r.Triptych == nil {
			t.Fatalf("%q (%s) is a duplicate (%v) or has no value for triptych", r.Name, r.Unit, duplicate)
		}
		got[r.Name] = *r.Triptych
		difference := strings.Contains(r.Name, "minus direct") // may be negative by chance
		if timing := r.Unit == "ms" || r.Unit == "1/s"; timing && !difference && *r.Triptych <= 0 {
			t.Errorf("%q is %v %s", r.Name, *r.Triptych, r.Unit)
		}
	}
	for _, name := range []string{"history per picture: length", "history per picture: size", "CPU-s per 1,000 pictures: encryption, included in both"} {
		if got[name] <= 0 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if got := got["billable Temporal Actions per picture"]; got != 4 { // start, annotate, and the markers of two workflow tasks
		t.Errorf("a picture costs %v Actions, want 4", got)
	}
	if failed, found := got["backlog of 20: failed workflows"]; failed != 0 || !found {
		t.Errorf("%v workflows failed", failed)
	}
}

func TestFlags(t *testing.T) {
	for _, flag := range []string{"-backlog=-1", "-rounds=-1", "-interval=-1s"} {
		t.Run("negative_number_is_rejected/"+flag, func(t *testing.T) {
			var progress bytes.Buffer
			if err := run(t.Context(), []string{flag}, io.Discard, &progress); err == nil || !strings.Contains(err.Error(), "negative") || progress.Len() > 0 {
				t.Errorf("got %v, printed %s", err, &progress)
			}
		})
	}
	t.Run("error_of_an_unknown_flag_is_only_returned", func(t *testing.T) {
		var progress bytes.Buffer
		if err := run(t.Context(), []string{"-unknown"}, io.Discard, &progress); err == nil || progress.Len() > 0 {
			t.Errorf("got %v, printed %s", err, &progress)
		}
	})
	t.Run("unknown_variant_is_rejected_before_anything_starts", func(t *testing.T) {
		var progress bytes.Buffer
		err := run(t.Context(), []string{"-only", "plain,triptich"}, io.Discard, &progress)
		if err == nil || !strings.Contains(err.Error(), `"triptich" in -only; known variants are direct, plain, triptych, plain-stock, triptych-stock, triptych-postgres, traced`) || progress.Len() > 0 {
			t.Errorf("got %v, printed %s", err, &progress)
		}
	})
}

func TestRoundOrder(t *testing.T) {
	t.Run("every_second_round_is_reversed", func(t *testing.T) {
		a, b := &variant{}, &variant{}
		all := []*variant{a, b}
		if !slices.Equal(roundOrder(all, 0), all) || !slices.Equal(roundOrder(all, 1), []*variant{b, a}) || !slices.Equal(roundOrder(all, 2), all) {
			t.Error("the order does not alternate")
		}
	})
}

func TestBillableActions(t *testing.T) {
	started := &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED}
	scheduled := &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED}
	timer := &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_TIMER_STARTED}
	completed := &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED}
	attempt := func(n int32) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{Attempt: n},
		}}
	}
	marker := func(task int64) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_MARKER_RECORDED, Attributes: &historypb.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &historypb.MarkerRecordedEventAttributes{WorkflowTaskCompletedEventId: task},
		}}
	}
	for name, tt := range map[string]struct {
		history []*historypb.HistoryEvent
		want    int
	}{
		"annotated_picture_costs_start_and_markers_and_one_activity":  {[]*historypb.HistoryEvent{started, marker(4), marker(4), scheduled, attempt(1), completed, marker(13)}, 4},
		"each_activity_retry_costs_one":                               {[]*historypb.HistoryEvent{started, marker(4), scheduled, attempt(2), completed, marker(13), scheduled, attempt(1), completed}, 6},
		"timer_costs_one":                                             {[]*historypb.HistoryEvent{started, timer}, 2},
		"activity_waiting_for_its_first_attempt_is_counted_only_once": {[]*historypb.HistoryEvent{started, scheduled}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := billableActions(tt.history); got != tt.want {
				t.Errorf("%d Actions, want %d", got, tt.want)
			}
		})
	}
}
