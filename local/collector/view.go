package collector

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// view is a trace on the page.
type view struct {
	TraceID, Title string
	Began          time.Time
	Took           time.Duration
	Failed         bool
	Rows           []row
}

type row struct {
	Indent         int
	Program, Name  string
	After, Took    time.Duration // After the start of the trace
	Left, Width    float64       // percent
	Failed         bool
	Error, Details string
}

// views returns the newest trace first.
func (c *Collector) views() []view {
	c.mu.Lock()
	defer c.mu.Unlock()
	var views []view
	for _, t := range slices.Backward(c.traces) {
		views = append(views, t.view())
	}
	return views
}

func (t *trace) view() view {
	spans := slices.Clone(t.spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) })
	began, ended := spans[0].StartTimeUnixNano, uint64(0)
	children, known := map[string][]Span{}, map[string]bool{}
	for _, s := range spans {
		known[string(s.SpanId)], ended = true, max(ended, s.EndTimeUnixNano)
	}
	v := view{TraceID: hex.EncodeToString([]byte(t.id)), Title: spans[0].Name, Began: time.Unix(0, int64(began)), Took: duration(began, ended)}
	for _, s := range spans {
		parent := ""
		if known[string(s.ParentSpanId)] { // otherwise, the parent has not ended yet or was lost
			parent = string(s.ParentSpanId)
		}
		children[parent] = append(children[parent], s)
		if id := attribute(s.Attributes, "picture"); id != "" {
			v.Title = "picture " + id
		}
	}
	total := math.Max(float64(ended-began), 1)
	var walk func(parent string, indent int)
	walk = func(parent string, indent int) {
		siblings := children[parent]
		delete(children, parent) // so that the walk ends even if a span is its own ancestor
		for _, s := range siblings {
			r := row{Indent: indent, Program: s.Program, Name: s.Name, After: duration(began, s.StartTimeUnixNano), Took: duration(s.StartTimeUnixNano, s.EndTimeUnixNano),
				Left: 100 * float64(s.StartTimeUnixNano-began) / total, Failed: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Error: s.GetStatus().GetMessage()}
			r.Width = math.Max(100*float64(r.Took)/total, 0.2)
			for _, a := range s.Attributes {
				r.Details += fmt.Sprintf("%s = %s\n", a.Key, text(a.Value))
			}
			v.Failed = v.Failed || r.Failed
			v.Rows = append(v.Rows, r)
			walk(string(s.SpanId), indent+1)
		}
	}
	walk("", 0)
	return v
}

func duration(from, to uint64) time.Duration {
	return time.Duration(int64(to - from)).Round(100 * time.Microsecond)
}

func attribute(attributes []*commonpb.KeyValue, key string) string {
	for _, a := range attributes {
		if a.Key == key {
			return text(a.Value)
		}
	}
	return ""
}

func text(v *commonpb.AnyValue) string {
	if n, ok := v.GetValue().(*commonpb.AnyValue_IntValue); ok {
		return fmt.Sprint(n.IntValue)
	}
	return v.GetStringValue()
}
