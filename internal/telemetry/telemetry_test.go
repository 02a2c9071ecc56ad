package telemetry_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"

	"triptych/internal/telemetry"
	"triptych/local/collector"
)

// start sets the variables and starts a collector, whose URL replaces {collector}.
func start(t *testing.T, variables map[string]string) *collector.Collector {
	t.Helper()
	c := &collector.Collector{}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	for name, value := range variables {
		t.Setenv(name, strings.ReplaceAll(value, "{collector}", server.URL))
		variables[name] = strings.ReplaceAll(value, "{collector}", server.URL)
	}
	t.Cleanup(func() { otel.SetTracerProvider(noop.NewTracerProvider()) })
	if err := telemetry.Start(t.Context(), "test", func(name string) string { return variables[name] }); err != nil {
		t.Fatal(err)
	}
	return c
}

func startOn(t *testing.T) *collector.Collector {
	return start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}"})
}

func TestVariablesEnableTraces(t *testing.T) {
	for name, test := range map[string]struct {
		variables map[string]string
		on        bool
	}{
		"no_variable_exports_nothing":              {map[string]string{}, false},
		"endpoint_exports_traces":                  {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}"}, true},
		"endpoint_of_traces_exports_traces":        {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{collector}/v1/traces"}, true},
		"endpoint_of_metrics_exports_no_traces":    {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "{collector}"}, false},
		"exporter_none_exports_nothing":            {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}", "OTEL_TRACES_EXPORTER": "none"}, false},
		"disabled_SDK_exports_nothing":             {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}", "OTEL_SDK_DISABLED": "true"}, false},
		"sampler_always_off_exports_nothing":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}", "OTEL_TRACES_SAMPLER": "always_off"}, false},
		"sampler_always_on_exports_the_root_trace": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}", "OTEL_TRACES_SAMPLER": "always_on"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, test.variables)
			_, span := telemetry.StartPicture(t.Context(), pictureID)
			span.End()
			if exported := spans(t, c)["picture"] != nil; exported != test.on {
				t.Errorf("the span was exported: %t, want %t", exported, test.on)
			}
		})
	}
}

func TestFlush(t *testing.T) {
	for name, disabled := range map[string]bool{"unreachable_collector_delays_only_the_first_flush": false, "disabled_telemetry_calls_no_collector": true} {
		t.Run(name, func(t *testing.T) {
			var called atomic.Bool
			silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				called.Store(true)
				io.Copy(io.Discard, r.Body) // so that the server notices the end of the connection
				<-r.Context().Done()
			}))
			t.Cleanup(func() {
				silent.CloseClientConnections()
				silent.Close()
			})
			start(t, map[string]string{
				"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": silent.URL + "/v1/traces", "OTEL_SDK_DISABLED": fmt.Sprint(disabled),
				"OTEL_EXPORTER_OTLP_TIMEOUT": "600000", "OTEL_BSP_EXPORT_TIMEOUT": "600000", // so that only flushTimeout ends the export
			})
			_, span := telemetry.StartPicture(t.Context(), pictureID)
			span.End()
			flushed := make(chan struct{})
			go func() {
				telemetry.Flush(t.Context())
				close(flushed)
			}()
			select {
			case <-flushed:
			case <-time.After(10 * time.Second):
				t.Error("Flush waits until the collector answers")
			}
			if !disabled {
				called.Store(false)
				_, span = telemetry.StartPicture(t.Context(), pictureID)
				span.End()
				if telemetry.Flush(t.Context()); called.Load() {
					t.Error("Flush called the collector again within flushPause")
				}
			}
			if disabled && called.Load() {
				t.Error("the collector was called")
			}
		})
	}
}
