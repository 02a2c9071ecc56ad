package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace/noop"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// A picture has about 20 spans. The time includes redaction, the export, and a server that discards the export.
func BenchmarkPictureOf20Spans(b *testing.B) {
	for name, on := range map[string]bool{"off": false, "on": true} {
		b.Run(name, func(b *testing.B) {
			otel.SetTracerProvider(noop.NewTracerProvider())
			if on {
				server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
				defer server.Close()
				b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
				if err := telemetry.Start(b.Context(), "bench", func(string) string { return server.URL }); err != nil {
					b.Fatal(err)
				}
				defer otel.SetTracerProvider(noop.NewTracerProvider())
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%50 == 0 {
					telemetry.Flush(b.Context()) // otherwise, the full queue would drop spans
				}
				id := picture.NewID(time.UnixMilli(int64(i)), linkID)
				ctx, root := telemetry.StartPicture(b.Context(), id)
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/dbs/triptych/colls/pictures/docs/"+string(id), nil)
				if err != nil {
					b.Fatal(err)
				}
				for range 19 {
					telemetry.Call("CosmosDB", request, func(context.Context) (*http.Response, error) { return &http.Response{StatusCode: http.StatusOK}, nil })
				}
				root.SetAttributes(attribute.String("temporalWorkflowID", id.WorkflowID()))
				root.End()
			}
			telemetry.Flush(b.Context())
		})
	}
}
