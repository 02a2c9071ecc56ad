package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// traced is triptych that exports traces and metrics, and untraced the same without. They are not among the variants of
// the other measurements.
const (
	traced   = "traced"
	untraced = "untraced"
)

const tracesInFlight = 50 // of each

func (r *rig) openTraces(ctx context.Context) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for traces: %w", err)
	}
	collector := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })}
	go collector.Serve(ln)
	r.closers = append(r.closers, func() { collector.Close() })
	for name, env := range map[string][]string{untraced: nil, traced: {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + ln.Addr().String()}} {
		v, err := r.openInNamespace(ctx, &variant{name: name, worker: name, server: r.temporalite(), namespace: name}, env...)
		if err != nil {
			return err
		}
		r.stack.StartProgram(name, "worker", append(v.temporalEnv(), env...))
		r.traces = append(r.traces, v)
	}
	return nil
}

// measureTraces keeps 50 pictures of each in flight at the same time, so that other load on the machine affects both alike.
// All pictures have the same share of the server's CPU time, because both variants send the same requests: the
// histories of pictures contain no trace headers (e2e/traces).
func (r *rig) measureTraces(ctx context.Context, p plan, m measurements) error {
	before := r.traces[0].usage()
	results := make([]throughput, len(r.traces))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, v := range r.traces {
		group.Go(func() (err error) {
			results[i], err = v.measureThroughput(groupCtx, tracesInFlight, p.interval)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	server := r.traces[0].usage().since(before).server
	pictures := int64(0)
	for _, result := range results {
		pictures += result.pictures
	}
	for i, result := range results {
		if worker := result.used.worker.Seconds() * 1000 / float64(result.pictures); result.used.known {
			m.add("worker CPU with traces", r.traces[i], worker)
			m.add("CPU with traces", r.traces[i], worker+server.Seconds()*1000/float64(pictures))
		}
	}
	return nil
}
