package telemetry

import (
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

func startMetricsOn(t testing.TB) *sdkmetric.ManualReader {
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(newMeterProvider(resource.Empty(), reader))
	t.Cleanup(func() { otel.SetMeterProvider(noop.NewMeterProvider()) })
	return reader
}

// measureCall measures what Temporal's SDK does for one gRPC call.
func measureCall(h client.MetricsHandler, operation string) {
	h = h.WithTags(map[string]string{"workflow_type": "none", "activity_type": "none", "task_queue": "pictures"}).
		WithTags(map[string]string{"operation": operation, "namespace": "default"})
	h.Counter("temporal_request").Inc(1)
	h.Timer("temporal_request_latency").Record(time.Millisecond)
	h.Gauge("temporal_num_pollers").Update(2)
}

func TestMetricsOfTemporal(t *testing.T) {
	reader := startMetricsOn(t)
	handler := TemporalMetrics()
	for range 3 {
		measureCall(handler, "PollWorkflowTaskQueue")
	}
	measureCall(handler, "RespondWorkflowTaskCompleted")
	handler.Counter("temporal_request").Inc(1)
	handler.Gauge("temporal_sticky_cache_size")
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &collected); err != nil {
		t.Fatal(err)
	}
	points := map[string][]emfPoint{}
	for _, m := range collected.ScopeMetrics[0].Metrics {
		points[m.Name] = emfPoints(m.Data)
	}
	operation := func(p emfPoint) string { v, _ := p.attributes.Value("operation"); return v.AsString() }
	t.Run("calls_are_counted_by_their_tags", func(t *testing.T) {
		got := map[string]any{}
		for _, p := range points["temporal_request"] {
			got[operation(p)] = p.value
			if want := map[bool]int{true: 0, false: 5}[operation(p) == ""]; p.attributes.Len() != want {
				t.Errorf("the attributes of %q are %v, want %d", operation(p), p.attributes.ToSlice(), want)
			}
		}
		if len(got) != 3 || got["PollWorkflowTaskQueue"] != int64(3) || got["RespondWorkflowTaskCompleted"] != int64(1) || got[""] != int64(1) {
			t.Errorf("the counts are %v", got)
		}
	})
	t.Run("durations_are_counted_by_their_tags", func(t *testing.T) {
		for _, p := range points["temporal_request_latency"] {
			if want := map[string]uint64{"PollWorkflowTaskQueue": 3, "RespondWorkflowTaskCompleted": 1}[operation(p)]; p.value.(emfHistogram).Count != want {
				t.Errorf("the duration of %s is %+v, want %d values", operation(p), p.value, want)
			}
		}
	})
	t.Run("gauges_have_their_last_value", func(t *testing.T) {
		got := map[string]float64{}
		for _, m := range collected.ScopeMetrics[0].Metrics {
			if g, ok := m.Data.(metricdata.Gauge[float64]); ok {
				for _, p := range g.DataPoints {
					got[m.Name+" "+operation(emfPoint{attributes: p.Attributes})] = p.Value
				}
			}
		}
		want := map[string]float64{"temporal_num_pollers PollWorkflowTaskQueue": 2, "temporal_num_pollers RespondWorkflowTaskCompleted": 2}
		if !maps.Equal(got, want) { // without temporal_sticky_cache_size, which has no value
			t.Errorf("the gauges are %v, want %v", got, want)
		}
	})
	t.Run("same_tags_return_the_same_instrument", func(t *testing.T) {
		allocated := testing.AllocsPerRun(100, func() { measureCall(handler, "PollWorkflowTaskQueue") })
		if allocated > 10 { // 6; 23 without the cache
			t.Errorf("a call allocates %v times", allocated)
		}
	})
}

func TestCountsForCloudWatch(t *testing.T) {
	reader := sdkmetric.NewManualReader(sdkmetric.WithTemporalitySelector(emfExporter{}.Temporality))
	otel.SetMeterProvider(newMeterProvider(resource.Empty(), reader))
	t.Cleanup(func() { otel.SetMeterProvider(noop.NewMeterProvider()) })
	failures := TemporalMetrics().Counter("temporal_workflow_task_execution_failed")
	for _, export := range []struct {
		name  string
		added int64
		want  []any
	}{
		{"first_export_has_the_count", 3, []any{int64(3)}},
		{"later_export_has_the_change", 2, []any{int64(2)}},
		{"unchanged_count_is_not_exported", 0, nil},
	} {
		t.Run(export.name, func(t *testing.T) {
			failures.Inc(export.added)
			var collected metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &collected); err != nil {
				t.Fatal(err)
			}
			var got []any
			for _, p := range emfPoints(collected.ScopeMetrics[0].Metrics[0].Data) {
				got = append(got, p.value)
			}
			if !slices.Equal(got, export.want) {
				t.Errorf("exported %v, want %v", got, export.want)
			}
		})
	}
}

func BenchmarkMetricsOfACall(b *testing.B) {
	startMetricsOn(b)
	notCached := opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: otel.Meter("other"), UseMonotonicCounters: true})
	for name, handler := range map[string]client.MetricsHandler{"cached": TemporalMetrics(), "not_cached": notCached} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				measureCall(handler, "PollWorkflowTaskQueue")
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime ignores what other programs do meanwhile.
func cpuTime(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
