package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// CloudWatch contains the metrics that the exporter awsemf writes, and the sets of attributes by which it divides each of
// them. CloudWatch bills each combination of a metric and its values, so this table contains what terraform/monitoring.tf
// and dashboard.tf use, and nothing else.
var CloudWatch = map[string][][]string{
	"triptych.pictures.received":                       {{}},
	"triptych.records":                                 {{"triptych.status"}},
	"triptych.step.attempts":                           {{}, {"triptych.outcome"}},
	"triptych.step.refusals":                           {{}},
	"triptych.step.duration":                           {{"triptych.step"}},
	"triptych.step.wait":                               {{}},
	"triptych.annotations.billed":                      {{}},
	"triptych.annotations.remaining":                   {{}},
	"azure.cosmosdb.client.operation.request_charge":   {{"db.operation.name"}, {"db.response.status_code"}},
	"temporal_activity_schedule_to_start_latency":      {{"task_queue"}},
	"temporal_workflow_task_schedule_to_start_latency": {{}},
	"temporal_workflow_task_execution_failed":          {{}},
}

// emfExporter writes each data point as a line of JSON in the embedded metric format, from which CloudWatch makes metrics:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type emfExporter struct{ out io.Writer }

type (
	emfMetric    struct{ Name, Unit string }
	emfDirective struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []emfMetric
	}
	emfMetadata struct {
		Timestamp         int64
		CloudWatchMetrics []emfDirective
	}
	// The specification does not mention this form of a value, but AWS's own exporter writes it:
	// cWMetricHistogram in github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter
	emfHistogram struct {
		Values        []float64
		Counts        []uint64
		Max, Min, Sum float64
		Count         uint64
	}
)

func (e emfExporter) Export(_ context.Context, metrics *metricdata.ResourceMetrics) error {
	namespace, _ := metrics.Resource.Set().Value("service.namespace")
	var lines bytes.Buffer
	for _, scope := range metrics.ScopeMetrics {
		for _, m := range scope.Metrics {
			for _, p := range emfPoints(m.Data) {
				// A line must contain each attribute that it names.
				sets := slices.DeleteFunc(slices.Clone(CloudWatch[m.Name]), func(set []string) bool {
					return slices.ContainsFunc(set, func(key string) bool { return !p.attributes.HasValue(attribute.Key(key)) })
				})
				if len(sets) == 0 {
					continue
				}
				unit := "Count"
				if m.Unit == "s" {
					unit = "Seconds"
				}
				line := map[string]any{m.Name: p.value, "_aws": emfMetadata{time.Now().UnixMilli(), []emfDirective{{namespace.AsString(), sets, []emfMetric{{m.Name, unit}}}}}}
				for _, a := range p.attributes.ToSlice() {
					line[string(a.Key)] = a.Value.String()
				}
				if err := json.NewEncoder(&lines).Encode(line); err != nil {
					return fmt.Errorf("encoding the metric %s: %w", m.Name, err)
				}
			}
		}
	}
	_, err := e.out.Write(lines.Bytes())
	return err
}

type emfPoint struct {
	attributes attribute.Set
	value      any
}

func emfPoints(data metricdata.Aggregation) (points []emfPoint) {
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			if p.Value != 0 { // counters that are read at each export have 0 if nothing changed
				points = append(points, emfPoint{p.Attributes, p.Value})
			}
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			points = append(points, emfPoint{p.Attributes, p.Value})
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			points = append(points, emfPoint{p.Attributes, emfValue(p)})
		}
	}
	return points
}

// emfValue takes the middle of each bucket as its value, which gives CloudWatch's percentiles a similar error as the buckets.
func emfValue(p metricdata.HistogramDataPoint[float64]) emfHistogram {
	smallest, _ := p.Min.Value()
	largest, _ := p.Max.Value()
	h := emfHistogram{Min: smallest, Max: largest, Sum: p.Sum, Count: p.Count}
	for i, count := range p.BucketCounts {
		low, high := smallest, largest
		if i > 0 {
			low = max(low, p.Bounds[i-1])
		}
		if i < len(p.Bounds) {
			high = min(high, p.Bounds[i])
		}
		if count > 0 {
			h.Values, h.Counts = append(h.Values, (low+high)/2), append(h.Counts, count)
		}
	}
	return h
}

// Temporality is delta, because CloudWatch adds the values of all lines.
func (emfExporter) Temporality(sdkmetric.InstrumentKind) metricdata.Temporality {
	return metricdata.DeltaTemporality
}

func (emfExporter) Aggregation(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(kind)
}

func (emfExporter) ForceFlush(context.Context) error { return nil }
func (emfExporter) Shutdown(context.Context) error   { return nil }
