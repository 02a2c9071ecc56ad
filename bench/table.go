package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

type row struct {
	Name     string   `json:"row"`
	Unit     string   `json:"unit"`
	Direct   *float64 `json:"direct"`
	Plain    *float64 `json:"plain"`
	Triptych *float64 `json:"triptych"`
	Ratio    *float64 `json:"triptychOverPlain"`

	PlainStock    *float64 `json:"plainStock,omitempty"`
	TriptychStock *float64 `json:"triptychStock,omitempty"`
	StockRatio    *float64 `json:"triptychOverTriptychStock,omitempty"`
	Postgres      *float64 `json:"triptychPostgres,omitempty"`
}

type table []row

// table omits the rows that have no values.
func (m measurements) table(p plan) table {
	var t table
	for _, group := range []struct{ name, metric string }{
		{"one picture, clouds 0 ms: ", "latency"},
		{fmt.Sprintf("one picture, clouds %d + %d ms: ", visionDelay.Milliseconds(), cosmosDelay.Milliseconds()), "latency, slow clouds"},
	} {
		tailName, tail := m.tail(group.metric)
		t = append(t,
			m.row(group.name+"p50", "ms", group.metric, median),
			m.row(group.name+"p90", "ms", group.metric, quantile(.9)),
			m.row(group.name+tailName, "ms", group.metric, tail),
			m.overhead(group.name+"minus direct, p50", "ms", group.metric, median),
			m.overhead(group.name+"minus direct, "+tailName, "ms", group.metric, tail),
		)
	}
	if m["CPU with traces"] != nil {
		t = append(t, m.traces("CPU-s per 1,000 pictures with traces: server and worker", "CPU with traces"),
			m.traces("CPU-s per 1,000 pictures with traces: worker", "worker CPU with traces"))
	}
	t = append(t, m.row("event to accepted start, p50", "ms", "start latency", median))
	for _, n := range p.inFlight {
		t = append(t, m.row(fmt.Sprintf("pictures/s: %d in flight", n), "1/s", throughputMetric(n), median))
	}
	backlog := fmt.Sprintf("backlog of %d: ", p.backlogSize)
	tailName, tail := m.tail("live latency")
	t = append(t,
		m.row("CPU-s per 1,000 pictures: server and worker", "s", "CPU", median),
		m.row("CPU-s per 1,000 pictures: server", "s", "server CPU", median),
		m.row("CPU-s per 1,000 pictures: worker", "s", "worker CPU", median),
		m.row("CPU-s per 1,000 pictures: encryption, included in both", "s", "encryption CPU", median),
		m.encryptionShare("CPU-s per 1,000 pictures: encryption ÷ server and worker"),
		m.row("history per picture: size", "bytes", "history bytes", median),
		m.row("history per picture: length", "events", "history events", median),
		m.row("billable Temporal Actions per picture", "", "actions", median),
		m.row("Temporal database per picture", "kB", "database bytes", scaled(median, 1e-3)),
		m.row("peak memory of the worker", "MB", "worker memory", scaled(maximum, 1e-6)),
		m.row("peak memory of the server", "MB", "server memory", scaled(maximum, 1e-6)),
		m.row(backlog+"pictures/s", "1/s", "backlog throughput", median),
		m.row(backlog+"failed workflows", "", "backlog failures", maximum),
		m.row(backlog+"peak memory of the worker", "MB", "backlog worker memory", scaled(maximum, 1e-6)),
		m.row(backlog+"peak memory of the server", "MB", "backlog server memory", scaled(maximum, 1e-6)),
		m.row(backlog+"latency of live pictures, p50", "ms", "live latency", median),
		m.row(backlog+"latency of live pictures, "+tailName, "ms", "live latency", tail),
		m.row("restart of the server with this data: ready in", "s", "restart", median),
	)
	return slices.DeleteFunc(t, func(r row) bool { return r == row{Name: r.Name, Unit: r.Unit} })
}

func (m measurements) row(name, unit, metric string, s summary) row {
	values := m[metric]
	return row{
		Name: name, Unit: unit, Direct: s(values["direct"]), Plain: s(values["plain"]), Triptych: s(values["triptych"]),
		PlainStock: s(values["plain-stock"]), TriptychStock: s(values["triptych-stock"]), Postgres: s(values[postgresVariant]),
	}.withRatios()
}

func (m measurements) overhead(name, unit, metric string, s summary) row {
	r := m.row(name, unit, metric, s)
	if r.Direct == nil {
		return row{Name: name, Unit: unit}
	}
	for _, cell := range []*float64{r.Plain, r.Triptych, r.PlainStock, r.TriptychStock, r.Postgres} {
		if cell != nil {
			*cell -= *r.Direct
		}
	}
	r.Direct = nil
	return r.withRatios()
}

func (m measurements) encryptionShare(name string) row {
	r := row{Name: name, Unit: "%"}
	encryption, all := median(m["encryption CPU"]["triptych"]), median(m["CPU"]["triptych"])
	if encryption != nil && all != nil && *all != 0 {
		share := 100 * *encryption / *all
		r.Triptych = &share
	}
	return r
}

// traces fills the ratio with traced ÷ untraced.
func (m measurements) traces(name, metric string) row {
	with := median(m[metric][traced])
	return row{Name: name, Unit: "s", Triptych: with, Ratio: ratio(with, median(m[metric][untraced]))}
}

func (r row) withRatios() row {
	r.Ratio, r.StockRatio = ratio(r.Triptych, r.Plain), ratio(r.Triptych, r.TriptychStock)
	return r
}

// ratio returns nil if it is undefined.
func ratio(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	r := *a / *b
	return &r
}

func (t table) writeJSON(out io.Writer) error {
	lines := json.NewEncoder(out)
	for _, r := range t {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

type column struct {
	title string
	cell  func(row) *float64
}

var columns = []column{
	{"direct", func(r row) *float64 { return r.Direct }},
	{"plain-stock", func(r row) *float64 { return r.PlainStock }},
	{"triptych-stock", func(r row) *float64 { return r.TriptychStock }},
	{postgresVariant, func(r row) *float64 { return r.Postgres }},
	{"plain", func(r row) *float64 { return r.Plain }},
	{"triptych", func(r row) *float64 { return r.Triptych }},
	{"triptych ÷ plain", func(r row) *float64 { return r.Ratio }},
	{"triptych ÷ triptych-stock", func(r row) *float64 { return r.StockRatio }},
}

// write omits the columns that have no values.
func (t table) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	line := func(cells []string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	titles, alignments := []string{"", ""}, []string{"---", "---"}
	var measured []column
	for _, c := range columns {
		if slices.ContainsFunc(t, func(r row) bool { return c.cell(r) != nil }) {
			measured = append(measured, c)
			titles = append(titles, c.title)
			alignments = append(alignments, "---:")
		}
	}
	line(titles)
	line(alignments)
	lastGroup := ""
	for _, r := range t {
		name := r.Name
		if group, metric, found := strings.Cut(name, ": "); found && group == lastGroup {
			name = metric
		} else {
			lastGroup = group
		}
		cells := []string{name, r.Unit}
		for _, c := range measured {
			cells = append(cells, format(c.cell(r)))
		}
		line(cells)
	}
	return w.Flush()
}

func (m measurements) writeTimeline(out io.Writer) error {
	if len(m["latency"]["triptych"]) == 0 {
		return nil
	}
	tailName, tail := m.tail("latency")
	var text strings.Builder
	fmt.Fprintf(&text, "\nTimeline of one picture in triptych, clouds 0 ms:\n\n| ms, p50 | since the previous event, p50 | since the previous event, %s | event |\n| ---: | ---: | ---: | --- |\n", tailName)
	for _, metric := range slices.Sorted(maps.Keys(m)) {
		event, found := strings.CutPrefix(metric, eventTime)
		if !found || m[metric]["triptych"] == nil {
			continue
		}
		waits := m[eventWait+event]["triptych"]
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", format(median(m[metric]["triptych"])), format(median(waits)), format(tail(waits)), event)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// format returns three significant digits.
func format(x *float64) string {
	switch {
	case x == nil:
		return "–"
	case *x == math.Trunc(*x) || math.Abs(*x) >= 100:
		return fmt.Sprintf("%.0f", *x)
	case math.Abs(*x) >= 10:
		return fmt.Sprintf("%.1f", *x)
	default:
		return fmt.Sprintf("%.2f", *x)
	}
}
