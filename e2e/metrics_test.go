package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	metricservice "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/internal/telemetry"
	"triptych/local/stack"
	"triptych/picture"
)

func TestMetrics(t *testing.T) {
	received := &receivedMetrics{series: map[string]map[string]float64{}}
	server := httptest.NewServer(received)
	defer server.Close()
	env := testenv.Start(t, func(c *stack.Config) {
		c.ProgramEnv = []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=" + server.URL, "OTEL_METRIC_EXPORT_INTERVAL=100"}
	})
	stacktest.PauseSweeps(t, env.Stack)
	var ids []string
	follow := func(photo []byte, want picture.Status) {
		t.Helper()
		g := env.Upload(t, photo)
		if final := env.Follow(t, g.Link); final.Status != want {
			t.Fatalf("the picture is %s, want %s", final.Status, want)
		}
		ids = append(ids, string(g.ID), g.Link)
	}
	follow(testenv.Portrait(t), picture.Annotated)
	follow([]byte("<html>"), picture.Rejected)
	env.Vision.SetFault(annotator.Fault{Times: 1, Code: codes.Unavailable})
	follow(append(testenv.Portrait(t), "retried"...), picture.Annotated)

	for name, want := range map[string]float64{
		"triptych.pictures.received":                                                                               3,
		"triptych.records triptych.status=annotated":                                                               2,
		"triptych.records triptych.status=rejected":                                                                1,
		"triptych.step.attempts triptych.outcome=done triptych.step=presign":                                       3,
		"triptych.step.attempts triptych.outcome=done triptych.step=annotate":                                      2,
		"triptych.step.attempts triptych.outcome=BadImage triptych.step=annotate":                                  1,
		"triptych.step.attempts triptych.outcome=Unavailable triptych.step=annotate":                               1,
		"triptych.step.attempts triptych.outcome=done triptych.step=persist":                                       3,
		"triptych.step.duration triptych.outcome=done triptych.step=annotate":                                      2,
		"triptych.step.wait triptych.outcome=done triptych.step=persist":                                           3,
		"triptych.annotations.billed":                                                                              2,
		"triptych.annotations.remaining":                                                                           1_000_000 - 1000,
		"azure.cosmosdb.client.operation.request_charge db.operation.name=create_item db.response.status_code=201": 4, // with the count of reserved annotations
		"triptych.step.attempts triptych.outcome=Unfetchable triptych.step=annotate":                               1, // the rejected picture is sent again as bytes
	} {
		t.Run(strings.ReplaceAll(name, " ", "_")+fmt.Sprintf("_is_%.0f", want), func(t *testing.T) {
			var got float64
			if !stacktest.Eventually(t, func(context.Context) bool { got = received.value(name); return got == want }) {
				t.Errorf("got %v of\n%s", got, received)
			}
		})
	}
	t.Run("every_metric_of_the_CloudWatch_table_arrives", func(t *testing.T) {
		missing := maps.Clone(telemetry.CloudWatch)
		delete(missing, "temporal_workflow_task_execution_failed") // no workflow task failed
		delete(missing, "triptych.step.refusals")                  // no cloud refused a permission
		maps.DeleteFunc(missing, func(name string, sets [][]string) bool { return received.has(name, sets) })
		if len(missing) != 0 {
			t.Errorf("%v is missing in\n%s", missing, received)
		}
	})
	t.Run("no_attribute_identifies_a_picture", func(t *testing.T) {
		for _, id := range ids {
			if strings.Contains(received.String(), id) {
				t.Errorf("an attribute contains %s:\n%s", id, received)
			}
		}
	})
}

// receivedMetrics contains the last value of each series: of a histogram the number of its measurements.
type receivedMetrics struct {
	mu     sync.Mutex
	series map[string]map[string]float64 // by name with attributes, then by program
}

func (r *receivedMetrics) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var export metricservice.ExportMetricsServiceRequest
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range export.ResourceMetrics {
		program := describe("", resource.Resource.Attributes)
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range slices.Concat(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()) {
					r.set(describe(m.Name, p.Attributes), program, cmp.Or(p.GetAsDouble(), float64(p.GetAsInt())))
				}
				for _, p := range m.GetHistogram().GetDataPoints() {
					r.set(describe(m.Name, p.Attributes), program, float64(p.Count))
				}
			}
		}
	}
}

func (r *receivedMetrics) set(series, program string, value float64) {
	if r.series[series] == nil {
		r.series[series] = map[string]float64{}
	}
	r.series[series][program] = value
}

func describe(name string, attributes []*commonpb.KeyValue) string {
	for _, a := range slices.SortedFunc(slices.Values(attributes), func(a, b *commonpb.KeyValue) int { return strings.Compare(a.Key, b.Key) }) {
		value := a.Value.GetStringValue()
		if n := a.Value.GetIntValue(); n != 0 {
			value = fmt.Sprint(n)
		}
		name += " " + a.Key + "=" + value
	}
	return name
}

// value adds the values of all programs.
func (r *receivedMetrics) value(series string) (sum float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, value := range r.series[series] {
		sum += value
	}
	return sum
}

func (r *receivedMetrics) has(name string, sets [][]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for series := range r.series {
		if strings.HasPrefix(series+" ", name+" ") && !slices.ContainsFunc(slices.Concat(sets...), func(key string) bool { return !strings.Contains(series, " "+key+"=") }) {
			return true
		}
	}
	return false
}

func (r *receivedMetrics) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.series)) {
		fmt.Fprintln(&text, name, r.series[name])
	}
	return text.String()
}
