// Package metrictest reads the metrics that the code under test measures.
package metrictest

import (
	"maps"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// install runs once, because instruments keep the first provider that they get.
var install = sync.OnceValue(func() *sdkmetric.ManualReader {
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	return reader
})

// Start returns a function that returns what was measured since Start: the increase of a counter or of the number of a
// histogram's measurements, or the value of a gauge. The keys contain the attributes in alphabetical order, such as
// "triptych.records triptych.status=rejected".
func Start(t testing.TB) func() map[string]int64 {
	t.Helper()
	before := read(t, nil)
	return func() map[string]int64 { return read(t, before) }
}

func read(t testing.TB, before map[string]int64) map[string]int64 {
	t.Helper()
	var metrics metricdata.ResourceMetrics
	if err := install().Collect(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
	values := map[string]int64{}
	for _, scope := range metrics.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					values[key(m.Name, p.Attributes)] = p.Value - before[key(m.Name, p.Attributes)]
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					values[key(m.Name, p.Attributes)] = int64(p.Count) - before[key(m.Name, p.Attributes)]
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					values[key(m.Name, p.Attributes)] = p.Value
				}
			}
		}
	}
	maps.DeleteFunc(values, func(_ string, value int64) bool { return value == 0 && before != nil })
	return values
}

func key(name string, attributes attribute.Set) string {
	return strings.TrimSuffix(name+" "+strings.ReplaceAll(attributes.Encoded(attribute.DefaultEncoder()), ",", " "), " ")
}
