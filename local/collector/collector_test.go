package collector_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"triptych/local/collector"
)

func span(trace, id, parent uint64, name string) *tracepb.Span {
	s := &tracepb.Span{TraceId: make([]byte, 16), SpanId: binary.BigEndian.AppendUint64(nil, id), Name: name, StartTimeUnixNano: id, EndTimeUnixNano: id + 1}
	binary.BigEndian.PutUint64(s.TraceId, trace)
	if parent > 0 {
		s.ParentSpanId = binary.BigEndian.AppendUint64(nil, parent)
	}
	return s
}

func send(t *testing.T, c *collector.Collector, spans ...*tracepb.Span) {
	t.Helper()
	body, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := serve(c, httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/traces", bytes.NewReader(body))); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
}

func serve(c *collector.Collector, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func page(t *testing.T, c *collector.Collector) string {
	t.Helper()
	status, text := serve(c, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil))
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	return text
}

func TestPage(t *testing.T) {
	t.Run("child_that_arrives_first_is_below_its_parent", func(t *testing.T) {
		var c collector.Collector
		send(t, &c, span(1, 2, 1, "child"))
		send(t, &c, span(1, 1, 0, "parent"))
		text := page(t, &c)
		if parent, child := strings.Index(text, ">parent"), strings.Index(text, "padding-left: 1em\" title=\"\">child"); parent < 0 || child < parent {
			t.Errorf("the page is %s", text)
		}
	})
	t.Run("span_of_an_unknown_parent_is_shown", func(t *testing.T) {
		var c collector.Collector
		send(t, &c, span(1, 2, 9, "orphan"))
		if text := page(t, &c); !strings.Contains(text, ">orphan") {
			t.Errorf("the page is %s", text)
		}
	})
	t.Run("span_that_is_its_own_parent_ends_the_walk", func(t *testing.T) {
		var c collector.Collector
		send(t, &c, span(1, 1, 0, "loop"), span(1, 1, 1, "loop")) // the first one makes the second one reachable
		if text := page(t, &c); !strings.Contains(text, ">loop") {
			t.Errorf("the page is %s", text)
		}
	})
	t.Run("name_with_HTML_is_escaped", func(t *testing.T) {
		var c collector.Collector
		send(t, &c, span(1, 1, 0, "<script>"))
		if text := page(t, &c); strings.Contains(text, "<script>") {
			t.Errorf("the page is %s", text)
		}
	})
	t.Run("oldest_trace_is_dropped_after_100", func(t *testing.T) {
		var c collector.Collector
		for i := range uint64(101) {
			send(t, &c, span(i+1, i+1, 0, "span"))
		}
		first, last := span(1, 1, 0, ""), span(101, 1, 0, "")
		if len(c.Spans([16]byte(first.TraceId))) != 0 || len(c.Spans([16]byte(last.TraceId))) != 1 {
			t.Error("the collector does not contain exactly the newest traces")
		}
	})
}

func TestRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		method, path, header, value string
		status                      int
	}{
		"traces_from_a_browser":   {"POST", "/v1/traces", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		"page_for_another_origin": {"GET", "/", "Origin", "http://evil.example", http.StatusForbidden},
		"body_that_is_not_OTLP":   {"POST", "/v1/traces", "Content-Type", "text/plain", http.StatusBadRequest},
		"metrics":                 {"POST", "/v1/metrics", "Content-Type", "application/x-protobuf", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "http://127.0.0.1"+test.path, strings.NewReader("not OTLP"))
			r.Header.Set(test.header, test.value)
			if status, text := serve(new(collector.Collector), r); status != test.status {
				t.Errorf("status %d, want %d: %s", status, test.status, text)
			}
		})
	}
}
