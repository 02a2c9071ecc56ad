package telemetry

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// export returns the lines that the exporter awsemf writes for what record measures.
func export(t *testing.T, record func(metric.Meter)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	provider := newMeterProvider(resource.NewSchemaless(attribute.String("service.namespace", "Triptych/test")), sdkmetric.NewPeriodicReader(emfExporter{&out}))
	record(provider.Meter("test"))
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var document map[string]any
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			t.Fatalf("a line is not JSON: %v: %s", err, line)
		}
		checkEMF(t, document)
		lines = append(lines, document)
	}
	return lines
}

// checkEMF checks the conditions of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func checkEMF(t *testing.T, document map[string]any) {
	t.Helper()
	var metadata struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	encoded, err := json.Marshal(document["_aws"])
	if err == nil {
		err = json.Unmarshal(encoded, &metadata)
	}
	if err != nil || metadata.Timestamp < 1e12 || len(metadata.CloudWatchMetrics) == 0 {
		t.Errorf("the metadata are %s, %v", encoded, err)
	}
	for _, directive := range metadata.CloudWatchMetrics {
		if directive.Namespace != "Triptych/test" || len(directive.Dimensions) == 0 || len(directive.Metrics) == 0 {
			t.Errorf("a directive is %+v", directive)
		}
		for _, key := range slices.Concat(directive.Dimensions...) {
			if value, ok := document[key].(string); !ok || value == "" || len(value) > 1024 {
				t.Errorf("the dimension %s has the value %v", key, document[key])
			}
		}
		for _, m := range directive.Metrics {
			if document[m.Name] == nil || m.Unit != "Seconds" && m.Unit != "Count" {
				t.Errorf("the metric %s has the unit %q and the value %v", m.Name, m.Unit, document[m.Name])
			}
		}
	}
}

func dimensions(line map[string]any) any {
	return line["_aws"].(map[string]any)["CloudWatchMetrics"].([]any)[0].(map[string]any)["Dimensions"]
}

func TestEMF(t *testing.T) {
	attempt := func(step, outcome string) metric.MeasurementOption {
		return metric.WithAttributes(attribute.String("triptych.step", step), attribute.String("triptych.outcome", outcome))
	}
	t.Run("counter_becomes_one_line_for_each_combination_of_attributes", func(t *testing.T) {
		lines := export(t, func(m metric.Meter) {
			attempts, _ := m.Int64Counter("triptych.step.attempts")
			attempts.Add(t.Context(), 2, attempt("persist", "done"))
			attempts.Add(t.Context(), 1, attempt("persist", "done"))
			attempts.Add(t.Context(), 1, attempt("persist", "Throttled"))
		})
		got := map[any]any{}
		for _, line := range lines {
			got[line["triptych.outcome"]] = line["triptych.step.attempts"]
			if want := []any{[]any{}, []any{"triptych.outcome"}}; !reflect.DeepEqual(dimensions(line), want) {
				t.Errorf("the dimensions are %v, want %v", dimensions(line), want)
			}
		}
		if want := map[any]any{"done": 3., "Throttled": 1.}; !maps.Equal(got, want) {
			t.Errorf("the counts are %v, want %v", got, want)
		}
	})
	t.Run("histogram_keeps_maximum_sum_and_the_middle_of_its_buckets", func(t *testing.T) {
		lines := export(t, func(m metric.Meter) {
			duration, _ := m.Float64Histogram("triptych.step.duration", metric.WithUnit("s"))
			for _, seconds := range []float64{6, 20, 21, 2000} {
				duration.Record(t.Context(), seconds, attempt("annotate", "done"))
			}
		})
		want := map[string]any{"Values": []any{8., 20., 1450.}, "Counts": []any{1., 2., 1.}, "Min": 6., "Max": 2000., "Sum": 2047., "Count": 4.}
		if len(lines) != 1 || !reflect.DeepEqual(lines[0]["triptych.step.duration"], want) {
			t.Errorf("got %v, want %v", lines, want)
		}
	})
	t.Run("each_export_contains_only_what_was_added_since_the_last", func(t *testing.T) {
		var out bytes.Buffer
		provider := newMeterProvider(resource.Empty(), sdkmetric.NewPeriodicReader(emfExporter{&out}))
		billed, _ := provider.Meter("test").Int64Counter("triptych.annotations.billed")
		for _, added := range []int64{3, 2} {
			billed.Add(t.Context(), added)
			out.Reset()
			if err := provider.ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["triptych.annotations.billed"] != float64(added) {
				t.Errorf("added %d, and exported %s", added, out.Bytes())
			}
		}
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("only_metrics_in_the_table_are_written", func(t *testing.T) {
		lines := export(t, func(m metric.Meter) {
			other, _ := m.Int64Counter("temporal_request")
			other.Add(t.Context(), 1)
		})
		if len(lines) != 0 {
			t.Errorf("got %v", lines)
		}
	})
	t.Run("integer_attribute_becomes_a_string", func(t *testing.T) {
		lines := export(t, func(m metric.Meter) {
			charge, _ := m.Float64Histogram("azure.cosmosdb.client.operation.request_charge")
			charge.Record(t.Context(), 1, metric.WithAttributes(attribute.String("db.operation.name", "read_item"), attribute.Int("db.response.status_code", 429)))
		})
		if len(lines) != 1 || lines[0]["db.response.status_code"] != "429" {
			t.Errorf("got %v", lines)
		}
	})
	t.Run("missing_attribute_removes_its_set_of_dimensions", func(t *testing.T) {
		lines := export(t, func(m metric.Meter) {
			attempts, _ := m.Int64Counter("triptych.step.attempts")
			attempts.Add(t.Context(), 1)
		})
		if len(lines) != 1 || !reflect.DeepEqual(dimensions(lines[0]), []any{[]any{}}) {
			t.Errorf("got %v", lines)
		}
	})
}

func TestCloudWatchMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, sets := range CloudWatch {
		for _, word := range append(slices.Concat(sets...), name) {
			if !strings.HasPrefix(name, "temporal_") && !strings.Contains(string(text), "`"+word+"`") {
				t.Errorf("docs/operations.md does not contain %s", word)
			}
		}
	}
}

func TestAWSEMFWritesToStandardOutput(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=Triptych/test")
	err = Start(t.Context(), "worker", func(name string) string { return map[string]string{"OTEL_METRICS_EXPORTER": "awsemf"}[name] })
	os.Stdout = stdout
	defer otel.SetMeterProvider(noop.NewMeterProvider())
	if err != nil || TemporalMetrics() == nil {
		t.Fatalf("metrics are off: %v", err)
	}
	Counter("triptych.pictures.received", "{picture}", "").Add(t.Context(), 1)
	Flush(t.Context())
	write.Close()
	var line map[string]any
	if err := json.NewDecoder(read).Decode(&line); err != nil || line["triptych.pictures.received"] != 1. {
		t.Errorf("standard output contains %v, %v", line, err)
	}
	checkEMF(t, line)
}

func TestAWSEMFWithoutNamespaceIsRefused(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "")
	err := Start(t.Context(), "worker", func(name string) string { return map[string]string{"OTEL_METRICS_EXPORTER": "awsemf"}[name] })
	if err == nil || !strings.Contains(err.Error(), "OTEL_RESOURCE_ATTRIBUTES=service.namespace=NAME") {
		t.Errorf("the error is %v", err)
	}
}

func TestWithoutVariablesNothingIsMeasured(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "invalid") // has no effect
	for name, variables := range map[string]map[string]string{
		"no_variables":               {},
		"disabled_SDK":               {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"},
		"exporter_none":              {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"},
		"only_a_collector_of_traces": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { otel.SetTracerProvider(tracenoop.NewTracerProvider()) })
			if err := Start(t.Context(), "worker", func(name string) string { return variables[name] }); err != nil || TemporalMetrics() != nil {
				t.Errorf("metrics are on: %v", err)
			}
		})
	}
}
