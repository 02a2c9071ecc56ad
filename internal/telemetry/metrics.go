package telemetry

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Counter panics if the name is invalid. Units are UCUM codes: https://opentelemetry.io/docs/specs/semconv/general/metrics.
// No attribute may identify a picture, because each combination of attribute values is a time series.
func Counter(name, unit, description string) metric.Int64Counter {
	return must(otel.Meter("triptych").Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description)))
}

// Histogram has the same conditions as Counter.
func Histogram(name, unit, description string) metric.Float64Histogram {
	return must(otel.Meter("triptych").Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description)))
}

// Gauge registers a metric that is measured when metrics are exported, unless value returns false.
func Gauge(name, unit, description string, value func() (int64, bool)) {
	must(otel.Meter("triptych").Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			if n, known := value(); known {
				o.Observe(n)
			}
			return nil
		})))
}

func must[T any](instrument T, err error) T {
	if err != nil {
		panic(err)
	}
	return instrument
}

func measuring() bool {
	_, on := otel.GetMeterProvider().(*sdkmetric.MeterProvider)
	return on
}

// TemporalMetrics makes Temporal's SDK record its own metrics. It returns nil while metrics are off, because the SDK
// would collect the attributes of each metric.
func TemporalMetrics() client.MetricsHandler {
	if !measuring() {
		return nil
	}
	return &cachedMetrics{MetricsHandler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{OnError: otel.Handle})}
}

// cachedMetrics makes each handler and instrument once. The SDK asks for them again for each call, task and attempt, and
// making them took 3 % of the worker's CPU time. The cache grows with the number of time series, not of calls. Counters and
// gauges are only read when metrics are exported.
type cachedMetrics struct {
	opentelemetry.MetricsHandler
	handlers cache[uint64, client.MetricsHandler] // by a hash of the tags
	counters cache[string, *counter]
	gauges   cache[string, *gauge]
	timers   cache[string, timer]
}

type counter struct{ atomic.Int64 }

func (c *counter) Inc(n int64) { c.Add(n) }

type gauge struct{ bits atomic.Uint64 }

func (g *gauge) Update(value float64) { g.bits.Store(math.Float64bits(value)) }

type timer struct {
	metric.Float64Histogram
	options []metric.RecordOption // made once, not for each value
}

func (t timer) Record(d time.Duration) {
	t.Float64Histogram.Record(context.Background(), d.Seconds(), t.options...)
}

var tagSeed = maphash.MakeSeed()

func (m *cachedMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	var hash uint64
	for name, value := range tags {
		hash += maphash.Comparable(tagSeed, [2]string{name, value}) // a sum, because the order of a map is random
	}
	return m.handlers.get(hash, func() client.MetricsHandler {
		return &cachedMetrics{MetricsHandler: m.MetricsHandler.WithTags(tags).(opentelemetry.MetricsHandler)}
	})
}

func (m *cachedMetrics) Counter(name string) client.MetricsCounter {
	return m.counters.get(name, func() *counter {
		c := &counter{}
		instrument, err := m.GetMeter().Int64ObservableCounter(name)
		m.observe(instrument, err, func(o metric.Observer, attributes metric.ObserveOption) {
			o.ObserveInt64(instrument, c.Load(), attributes)
		})
		return c
	})
}

func (m *cachedMetrics) Gauge(name string) client.MetricsGauge {
	return m.gauges.get(name, func() *gauge {
		g := &gauge{}
		g.Update(math.NaN()) // no value yet: the SDK makes gauges that it sets later or never
		instrument, err := m.GetMeter().Float64ObservableGauge(name)
		m.observe(instrument, err, func(o metric.Observer, attributes metric.ObserveOption) {
			if value := math.Float64frombits(g.bits.Load()); !math.IsNaN(value) {
				o.ObserveFloat64(instrument, value, attributes)
			}
		})
		return g
	})
}

// observe calls read when metrics are exported. It handles err, the error of making the instrument.
func (m *cachedMetrics) observe(instrument metric.Observable, err error, read func(metric.Observer, metric.ObserveOption)) {
	attributes := metric.WithAttributeSet(m.GetAttributes())
	if err == nil {
		_, err = m.GetMeter().RegisterCallback(func(_ context.Context, o metric.Observer) error {
			read(o, attributes)
			return nil
		}, instrument)
	}
	if err != nil {
		otel.Handle(err)
	}
}

func (m *cachedMetrics) Timer(name string) client.MetricsTimer {
	return m.timers.get(name, func() timer {
		histogram, err := m.GetMeter().Float64Histogram(name, metric.WithUnit("s"))
		if err != nil {
			otel.Handle(err)
		}
		return timer{histogram, []metric.RecordOption{metric.WithAttributeSet(m.GetAttributes())}}
	})
}

type cache[K comparable, V any] struct {
	sync.RWMutex
	made map[K]V
}

func (c *cache[K, V]) get(key K, make func() V) V {
	c.RLock()
	v, ok := c.made[key]
	c.RUnlock()
	if ok {
		return v
	}
	c.Lock()
	defer c.Unlock()
	if c.made == nil {
		c.made = map[K]V{}
	}
	if v, ok = c.made[key]; !ok {
		v = make()
		c.made[key] = v
	}
	return v
}

// OpenTelemetry's default boundaries are for milliseconds. A step may take milliseconds, or wait for the next day.
var secondBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

// startMetrics exports metrics over OTLP/HTTP if the variables name an endpoint, or to CloudWatch if
// OTEL_METRICS_EXPORTER is awsemf, the name in the AWS Distro for OpenTelemetry.
func startMetrics(ctx context.Context, from *resource.Resource, getenv func(string) string) error {
	if measuring() {
		return nil
	}
	var exporter sdkmetric.Exporter = emfExporter{os.Stdout}
	if getenv("OTEL_METRICS_EXPORTER") == "awsemf" {
		if !from.Set().HasValue("service.namespace") {
			return errors.New("OTEL_METRICS_EXPORTER=awsemf needs OTEL_RESOURCE_ATTRIBUTES=service.namespace=NAME, the namespace of the metrics in CloudWatch")
		}
	} else {
		if !exports("METRICS", getenv) {
			return nil
		}
		var err error
		if exporter, err = otlpmetrichttp.New(ctx); err != nil {
			return fmt.Errorf("making an exporter of metrics: %w", err)
		}
	}
	otel.SetMeterProvider(newMeterProvider(from, sdkmetric.NewPeriodicReader(exporter)))
	return nil
}

func newMeterProvider(from *resource.Resource, reader sdkmetric.Reader) *sdkmetric.MeterProvider {
	return sdkmetric.NewMeterProvider(sdkmetric.WithResource(from), sdkmetric.WithReader(reader),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter), // exemplars would take 1 % of the worker's CPU time
		sdkmetric.WithView(sdkmetric.NewView(sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: secondBuckets}})))
}
