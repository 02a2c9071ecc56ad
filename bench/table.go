package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// row is one line of the table; a value that there is not is null. Its name is that of no other row: before the colon is
// what rows that follow each other are about, after it what this one tells of it.
type row struct {
	Name     string   `json:"row"`
	Unit     string   `json:"unit"`
	Direct   *float64 `json:"direct"`
	Default  *float64 `json:"default"`
	Plain    *float64 `json:"plain"`
	Triptych *float64 `json:"triptych"`
	Ratio    *float64 `json:"triptychOverPlain"`
}

type table []row

// summary makes one value of many; nil of none.
type summary func(values []float64) *float64

func quantile(q float64) summary {
	return func(values []float64) *float64 {
		if len(values) == 0 {
			return nil
		}
		x := stat.Quantile(q, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
		return &x
	}
}

// median of an even number of values is the mean of the two in the middle: of two rounds, neither.
func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	x := stat.Mean([]float64{sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]}, nil)
	return &x
}

func most(values []float64) *float64 { return quantile(1)(values) }

// enough values have a 99th percentile that is not simply the largest of them.
const enough = 100

// worst is the 99th percentile, of those variants of which there are enough values; where there are of none, it is the
// largest value and called so.
func (m measurements) worst(kind string) (string, summary) {
	for _, values := range m[kind] {
		if len(values) >= enough {
			return "p99", func(values []float64) *float64 {
				if len(values) < enough {
					return nil
				}
				return quantile(.99)(values)
			}
		}
	}
	return "max", most
}

func scaled(s summary, by float64) summary {
	return func(values []float64) *float64 {
		x := s(values)
		if x != nil {
			*x *= by
		}
		return x
	}
}

func (m measurements) table(p plan) table {
	var t table
	for _, alone := range []struct{ what, kind string }{
		{"one picture, clouds 0 ms: ", "idle"}, {fmt.Sprintf("one picture, clouds %d + %d ms: ", visionTakes.Milliseconds(), cosmosTakes.Milliseconds()), "slow"},
	} {
		name, worst := m.worst(alone.kind)
		t = append(t,
			m.row(alone.what+"p50", "ms", alone.kind, median),
			m.row(alone.what+"p90", "ms", alone.kind, quantile(.9)),
			m.row(alone.what+name, "ms", alone.kind, worst),
			m.over(alone.what+"over direct, p50", "ms", alone.kind, median),
			m.over(alone.what+"over direct, "+name, "ms", alone.kind, worst),
			m.percentOver(alone.what+"over direct, share of p50", alone.kind),
		)
	}
	name, worst := m.worst("event")
	t = append(t,
		m.row("from S3's event to the Record: p50", "ms", "event", median),
		m.row("from S3's event to the Record: "+name, "ms", "event", worst),
	)
	for _, n := range p.flights {
		t = append(t, m.row(fmt.Sprintf("pictures/s: %d in flight", n), "1/s", flightKind(n), median))
	}
	t = append(t,
		m.row("CPU-s per 1,000 pictures: server and worker", "s", "cpu", median),
		m.row("CPU-s per 1,000 pictures: server", "s", "cpu server", median),
		m.row("CPU-s per 1,000 pictures: worker", "s", "cpu worker", median),
		m.row("CPU-s per 1,000 pictures: trigger (not in the sum)", "s", "cpu trigger", median),
		m.row("history of a picture: size", "bytes", "history bytes", median),
		m.row("history of a picture: length", "events", "history events", median),
		m.row("billable Temporal Actions of a picture", "", "actions", median),
		m.row("database of a picture", "kB", "database", scaled(median, 1e-3)),
		m.row("peak memory: worker", "MB", "worker memory", scaled(most, 1e-6)),
		m.row("peak memory: trigger", "MB", "trigger memory", scaled(most, 1e-6)),
		m.row("trigger's bootstrap", "MB", "bootstrap", scaled(most, 1e-6)),
		m.row("event to accepted start: trigger cold, p50", "ms", "cold", median),
		m.row("event to accepted start: trigger warm, p50", "ms", "start", median),
	)
	waited := fmt.Sprintf("%d waited for the worker: ", p.waiting)
	name, worst = m.worst("meanwhile")
	return append(t,
		m.row(waited+"pictures/s", "1/s", "drained", median),
		m.row(waited+"runs that failed", "", "failed", most),
		m.row(waited+"peak memory of the worker", "MB", "drain memory", scaled(most, 1e-6)),
		m.row(waited+"one picture meanwhile, p50", "ms", "meanwhile", median),
		m.row(waited+"one picture meanwhile, "+name, "ms", "meanwhile", worst),
	)
}

func (m measurements) row(name, unit, kind string, s summary) row {
	of := m[kind]
	return row{name, unit, s(of["direct"]), s(of["default"]), s(of["plain"]), s(of["triptych"]), nil}.withRatio()
}

// over is by how much more than direct; of direct itself there is nothing to tell.
func (m measurements) over(name, unit, kind string, s summary) row {
	r := m.row(name, unit, kind, s)
	if r.Direct == nil {
		return row{Name: name, Unit: unit}
	}
	for _, cell := range []*float64{r.Default, r.Plain, r.Triptych} {
		if cell != nil {
			*cell -= *r.Direct
		}
	}
	r.Direct = nil
	return r.withRatio()
}

func (m measurements) percentOver(name, kind string) row {
	direct := median(m[kind]["direct"])
	r := m.over(name, "%", kind, median)
	for _, cell := range []*float64{r.Default, r.Plain, r.Triptych} {
		if cell != nil && direct != nil {
			*cell *= 100 / *direct
		}
	}
	return r
}

func (r row) withRatio() row {
	r.Ratio = nil
	if r.Plain != nil && r.Triptych != nil && *r.Plain != 0 {
		ratio := *r.Triptych / *r.Plain
		r.Ratio = &ratio
	}
	return r
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

// write is the table for people, in Markdown. What rows are about, the first of them says.
func (t table) write(out io.Writer) error {
	cells := [][]string{{"", "", "direct", "default", "plain", "triptych", "triptych ÷ plain"}}
	about := ""
	for _, r := range t {
		name := r.Name
		if before, of, found := strings.Cut(name, ": "); found && before == about {
			name = of
		} else {
			about = before
		}
		cells = append(cells, []string{name, r.Unit, show(r.Direct), show(r.Default), show(r.Plain), show(r.Triptych), show(r.Ratio)})
	}
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	rule := make([]string, len(widths))
	for i := range rule {
		rule[i] = strings.Repeat("-", widths[i])
		if i > 1 {
			rule[i] = strings.Repeat("-", widths[i]-1) + ":"
		}
	}
	for _, line := range slices.Insert(cells, 1, rule) {
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i > 1 {
				cell = pad + cell
			} else {
				cell += pad
			}
			if _, err := fmt.Fprintf(out, "| %s ", cell); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(out, "|"); err != nil {
			return err
		}
	}
	return nil
}

// writeTimeline says where the time of a picture goes: when each event of the product's history is written, and how
// long after the one before, usually and at worst.
func (m measurements) writeTimeline(out io.Writer) error {
	name, worst := m.worst("idle")
	if _, err := fmt.Fprintf(out, "\nOne picture of triptych, clouds 0 ms, event by event:\n\n| ms, p50 | since the last, p50 | since the last, %s | event |\n| ---: | ---: | ---: | --- |\n", name); err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		event, found := strings.CutPrefix(kind, eventKind)
		if !found || m[kind]["triptych"] == nil {
			continue
		}
		waited := m[waitKind+event]["triptych"]
		if _, err := fmt.Fprintf(out, "| %s | %s | %s | %s |\n", show(median(m[kind]["triptych"])), show(median(waited)), show(worst(waited)), event); err != nil {
			return err
		}
	}
	return nil
}

// show keeps three digits.
func show(x *float64) string {
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
