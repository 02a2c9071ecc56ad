// Package telemetry configures logs, traces and metrics. They contain no signature and no link ID.
//
// Traces contain the workflow, its start, each attempt of an activity, and each call to S3, Cosmos DB and Cloud Vision. They
// do not contain the other calls, because those serve no single picture: the gRPC calls of Temporal's SDK, most of which are
// long polls, and the calls to SSM, STS and Entra ID, which read settings or renew credentials.
package telemetry

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Start exports traces and metrics as the OTEL_* variables say (docs/operations.md). Without them, it exports nothing. Call Start
// before you make the clients of the clouds, and Flush before the program ends or Lambda freezes it.
func Start(ctx context.Context, program string, getenv func(string) string) error {
	toCloudWatch := getenv("OTEL_METRICS_EXPORTER") == "awsemf"
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || !toCloudWatch && !exports("METRICS", getenv) && !exports("TRACES", getenv) {
		return nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("telemetry was not exported", "error", err) }))
	from, err := resource.New(ctx, resource.WithAttributes(
		semconv.ServiceName("triptych-"+program), semconv.ServiceInstanceID(uuid.NewString())), resource.WithFromEnv())
	if err != nil {
		slog.Warn("OTEL_RESOURCE_ATTRIBUTES is invalid and ignored", "error", err)
	}
	if err := startMetrics(ctx, from, getenv); err != nil {
		return err
	}
	return startTraces(ctx, from, getenv)
}

// exports reports whether the variables ask for a signal: TRACES or METRICS.
func exports(signal string, getenv func(string) string) bool {
	endpoint := cmp.Or(getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	return endpoint != "" && getenv("OTEL_"+signal+"_EXPORTER") != "none"
}

// An unreachable collector delays a Lambda by at most flushTimeout, and not again for flushPause.
const (
	flushTimeout = time.Second
	flushPause   = 30 * time.Second
)

var flushAgain sync.Map // by provider: the time before which Flush ignores it

// Flush exports what is still buffered. It ends before the deadline of ctx, even if ctx is cancelled.
func Flush(ctx context.Context) {
	timeout := flushTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	var flushed sync.WaitGroup
	defer flushed.Wait()
	for _, provider := range []any{otel.GetTracerProvider(), otel.GetMeterProvider()} {
		p, ok := provider.(interface{ ForceFlush(context.Context) error })
		if again, paused := flushAgain.Load(provider); !ok || paused && time.Now().Before(again.(time.Time)) {
			continue
		}
		flushed.Go(func() { // concurrently, because metrics for CloudWatch need no collector
			if err := p.ForceFlush(ctx); err != nil {
				flushAgain.Store(provider, time.Now().Add(flushPause))
				otel.Handle(err)
			}
		})
	}
}
