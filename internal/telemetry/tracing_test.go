package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/telemetry"
	"triptych/local/collector"
	"triptych/picture"
)

const (
	pictureID = picture.ID("01990000-0000-7000-8000-000000000000")
	linkID    = "01990000-0000-7000-8000-000000000000-0123456789abcdef"
)

// spans flushes, and returns the spans of the picture's trace by name.
func spans(t *testing.T, c *collector.Collector) map[string]*tracepb.Span {
	t.Helper()
	telemetry.Flush(t.Context())
	spans := map[string]*tracepb.Span{}
	for _, s := range c.Spans(trace.SpanContextFromContext(telemetry.WithPicture(t.Context(), pictureID)).TraceID()) {
		spans[s.Name] = s.Span
	}
	return spans
}

func TestPicture(t *testing.T) {
	t.Run("programs_join_one_trace_without_sharing_state", func(t *testing.T) {
		c := startOn(t)
		_, root := telemetry.StartPicture(t.Context(), pictureID)
		root.End()
		ctx, _ := telemetry.StartPicture(t.Context(), pictureID) // as another program
		_, span := telemetry.StartSpan(ctx, "upload", time.Now())
		span.End()
		all := spans(t, c)
		if parent, upload := all["picture"], all["upload"]; !bytes.Equal(upload.GetParentSpanId(), parent.GetSpanId()) || !bytes.Equal(upload.GetTraceId(), parent.GetTraceId()) {
			t.Errorf("%v is not the parent of %v", parent, upload)
		}
	})
	t.Run("programs_agree_on_the_sampled_pictures", func(t *testing.T) {
		start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "{collector}", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"})
		sampled := 0
		for i := range 100 {
			id := picture.NewID(time.UnixMilli(int64(i)), linkID)
			_, first := telemetry.StartPicture(t.Context(), id)
			_, second := telemetry.StartPicture(t.Context(), id)
			if first.SpanContext().IsSampled() != second.SpanContext().IsSampled() {
				t.Errorf("only one program samples picture %s", id)
			}
			if first.SpanContext().IsSampled() {
				sampled++
			}
		}
		if sampled < 25 || sampled > 75 {
			t.Errorf("%d of 100 pictures are sampled, want about 50", sampled)
		}
	})
	t.Run("reading_a_picture_exports_nothing", func(t *testing.T) {
		c := startOn(t)
		call(t, telemetry.WithPicture(t.Context(), pictureID), http.StatusOK, "/")
		telemetry.Flush(t.Context())
		page := httptest.NewRecorder() // shows the spans of all traces
		c.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil))
		if text := page.Body.String(); page.Code != http.StatusOK || strings.Contains(text, "S3 GET") {
			t.Errorf("the page of the collector has status %d: %s", page.Code, text)
		}
	})
	t.Run("other_traces_have_different_IDs", func(t *testing.T) {
		startOn(t)
		var ids []trace.TraceID
		for range 3 {
			_, span := telemetry.StartSpan(t.Context(), "sweep", time.Now())
			if sc := span.SpanContext(); !sc.IsValid() || slices.Contains(ids, sc.TraceID()) {
				t.Errorf("the IDs are %v after %v", sc, ids)
			}
			ids = append(ids, span.SpanContext().TraceID())
		}
	})
}

func call(t *testing.T, ctx context.Context, status int, path string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("traceparent") != "" {
			t.Error("the request has a traceparent header")
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := telemetry.Client{Service: "S3", Next: server.Client()}.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestCallOfACloud(t *testing.T) {
	for status, want := range map[int]tracepb.Status_StatusCode{
		http.StatusOK: tracepb.Status_STATUS_CODE_UNSET, http.StatusNotFound: tracepb.Status_STATUS_CODE_UNSET,
		http.StatusForbidden: tracepb.Status_STATUS_CODE_ERROR, http.StatusServiceUnavailable: tracepb.Status_STATUS_CODE_ERROR,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			c := startOn(t)
			ctx, root := telemetry.StartPicture(t.Context(), pictureID)
			call(t, ctx, status, "/bucket/key?X-Amz-Signature=0a1b2c3d")
			span, sc := spans(t, c)["S3 GET"], root.SpanContext()
			if parent := sc.SpanID(); span == nil || !bytes.Equal(span.ParentSpanId, parent[:]) || span.GetStatus().GetCode() != want {
				t.Fatalf("the span is %v, want status %s below %v", span, want, sc)
			}
			if text := protojson.Format(span); !strings.Contains(text, "/bucket/key") || strings.Contains(text, "0a1b2c3d") {
				t.Errorf("the span is %s, want the path without its query", text)
			}
		})
	}
}

func TestSpanContainsNoSecret(t *testing.T) {
	const secret = "0a1b2c3d"
	for place, write := range map[string]func(trace.Span){
		"attribute": func(s trace.Span) { s.SetAttributes(attribute.String("url", "https://s3/k?X-Amz-Signature="+secret)) },
		"list": func(s trace.Span) {
			s.SetAttributes(attribute.StringSlice("urls", []string{"https://s3/k?X-Amz-Signature=" + secret}))
		},
		"error_event": func(s trace.Span) { s.RecordError(errors.New("GET https://s3/k?X-Amz-Signature=" + secret)) },
		"status":      func(s trace.Span) { s.SetStatus(codes.Error, "GET https://s3/k?X-Amz-Signature="+secret) },
		"link_ID":     func(s trace.Span) { s.SetAttributes(attribute.String("id", linkID)) },
	} {
		t.Run(place, func(t *testing.T) {
			c := startOn(t)
			_, span := telemetry.StartPicture(t.Context(), pictureID)
			write(span)
			span.End()
			text := protojson.Format(spans(t, c)["picture"])
			if strings.Contains(text, secret) || strings.Contains(text, linkID) || !strings.Contains(text, "…") {
				t.Errorf("the span is %s", text)
			}
		})
	}
}
