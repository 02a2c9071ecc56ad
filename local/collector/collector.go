// Package collector receives traces over OTLP/HTTP, keeps the newest ones in memory, and shows them on a page. Jaeger's
// Go module contains no web page, and no other viewer can be installed from a Go or npm package.
package collector

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"net/http"
	"slices"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"triptych/internal/loopback"
)

const (
	maxTraces = 100
	maxSpans  = 2000    // of one trace; a picture has about 20, and 5 for each further attempt
	maxBody   = 8 << 20 // bytes
)

// Collector is ready for use as its zero value.
type Collector struct {
	mu     sync.Mutex
	traces []*trace // the oldest first
}

type trace struct {
	id    string // the bytes of the trace ID
	spans []Span
}

// Span is a span and the program that exported it.
type Span struct {
	Program string // service.name
	*tracepb.Span
}

// Handler serves the page at / and OTLP/HTTP with protobuf at /v1/traces.
func (c *Collector) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/traces", loopback.RefuseBrowsers(http.HandlerFunc(c.receive)))
	mux.Handle("GET /{$}", loopback.SameOrigin(http.HandlerFunc(c.servePage)))
	return mux
}

func (c *Collector) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var request collectorpb.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "Send an ExportTraceServiceRequest as protobuf", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		program := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.Key == "service.name" {
				program = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.add(Span{program, s})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // of an empty ExportTraceServiceResponse
}

func (c *Collector) add(s Span) {
	id := string(s.TraceId)
	i := slices.IndexFunc(c.traces, func(t *trace) bool { return t.id == id })
	if i < 0 {
		if len(c.traces) == maxTraces {
			c.traces = slices.Delete(c.traces, 0, 1)
		}
		i = len(c.traces)
		c.traces = append(c.traces, &trace{id: id})
	}
	if t := c.traces[i]; len(t.spans) < maxSpans {
		t.spans = append(t.spans, s)
	}
}

// Spans returns the spans of a trace that have arrived.
func (c *Collector) Spans(traceID [16]byte) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.traces {
		if t.id == string(traceID[:]) {
			return slices.Clone(t.spans)
		}
	}
	return nil
}

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

func (c *Collector) servePage(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer
	if err := page.Execute(&out, c.views()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes()) // fails only if the client disconnected
}
