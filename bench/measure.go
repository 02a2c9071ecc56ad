package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

type plan struct {
	variants    []string
	rounds      int
	sequential  int           // pictures per variant and round, one after another, with immediate cloud responses
	slowClouds  int           // pictures per variant and round, one after another, with visionDelay and cosmosDelay
	inFlight    []int         // numbers of pictures in flight
	interval    time.Duration // in which the throughput is measured
	backlogSize int           // pictures that wait when the worker starts
}

const (
	visionDelay = 500 * time.Millisecond // typical for a photo of a face
	cosmosDelay = 10 * time.Millisecond  // typical for writing a document
)

var quickPlan = plan{variants: defaultVariants, rounds: 2, sequential: 25, slowClouds: 4, inFlight: []int{1, 10, 100}, interval: 2 * time.Second, backlogSize: 300}

var fullPlan = plan{variants: fullVariants, rounds: 3, sequential: 100, slowClouds: 10, inFlight: []int{1, 10, 100, 1000}, interval: 4 * time.Second, backlogSize: 10_000}

// The keys are a metric and a variant, for example m["latency"]["plain"].
type measurements map[string]map[string][]float64

func (m measurements) add(metric string, v *variant, values ...float64) {
	if m[metric] == nil {
		m[metric] = map[string][]float64{}
	}
	m[metric][v.name] = append(m[metric][v.name], values...)
}

const (
	eventTime = "at event "     // + name of a history event: ms since the first event
	eventWait = "before event " // + name of a history event: ms since the previous event
)

func throughputMetric(inFlight int) string {
	return fmt.Sprintf("throughput with %d in flight", inFlight)
}

// If ctx ends early, measure returns the completed measurements together with an error.
func (r *rig) measure(ctx context.Context, p plan) (measurements, error) {
	m := measurements{}
	started := time.Now()
	for round := range p.rounds {
		if err := r.measureRound(ctx, started, p, round, m); err != nil {
			return m, err
		}
	}
	for _, v := range r.variants {
		if v.name != "triptych" {
			continue
		}
		if err := v.measureEncryption(ctx, m); err != nil {
			return m, err
		}
	}
	r.measureMemory(m)
	if err := r.measureBacklogs(ctx, started, p.backlogSize, m); err != nil {
		return m, err
	}
	return m, r.measureRestarts(ctx, started, m)
}

func (r *rig) measureRound(ctx context.Context, started time.Time, p plan, round int, m measurements) error {
	report := func(what string, v *variant) {
		r.report(started, "round %d of %d: %s: %s", round+1, p.rounds, what, v.name)
	}
	order := roundOrder(r.variants, round)
	for _, v := range order {
		report("sequential pictures", v)
		if err := v.measureSequential(ctx, p.sequential, m); err != nil {
			return err
		}
	}
	for _, v := range order {
		report("sequential pictures, slow clouds", v)
		if err := v.measureSlowClouds(ctx, p.slowClouds, m); err != nil {
			return err
		}
	}
	for _, n := range p.inFlight {
		for _, v := range order {
			report(fmt.Sprintf("%d in flight", n), v)
			if err := v.measureInFlight(ctx, n, p, m); err != nil {
				return err
			}
		}
	}
	if len(r.traces) == 0 {
		return nil
	}
	r.report(started, "round %d of %d: with and without traces", round+1, p.rounds)
	return r.measureTraces(ctx, p, m)
}

func (r *rig) measureMemory(m measurements) {
	for _, v := range r.variants {
		if peak, ok := peakMemory(r.stack.PID(v.worker)); ok {
			m.add("worker memory", v, peak)
		}
		if v.client == nil {
			continue
		}
		if peak, ok := peakMemory(r.stack.PID(v.server.process)); ok {
			m.add("server memory", v, peak)
		}
	}
}

func (r *rig) measureBacklogs(ctx context.Context, started time.Time, size int, m measurements) error {
	for _, v := range r.variants {
		if v.client == nil {
			continue // direct has no queue
		}
		r.report(started, "backlog of %d: %s", size, v.name)
		result, err := v.measureBacklog(ctx, size)
		if err != nil {
			return err
		}
		m.add("backlog throughput", v, result.perSecond)
		m.add("backlog failures", v, float64(result.failed))
		m.add("backlog worker memory", v, result.workerMemory...)
		m.add("backlog server memory", v, result.serverMemory...)
		m.add("live latency", v, result.liveLatencies...)
	}
	return nil
}

// measureRestarts restarts each server once, after all other measurements, and adds its time to all variants of the server.
func (r *rig) measureRestarts(ctx context.Context, started time.Time, m measurements) error {
	times := map[server]time.Duration{}
	for _, v := range r.variants {
		if v.client == nil {
			continue
		}
		if _, restarted := times[v.server]; !restarted {
			r.report(started, "restart of the server: %s", v.server.process)
			var err error
			if times[v.server], err = r.restartServer(ctx, v.server); err != nil {
				return err
			}
		}
		m.add("restart", v, times[v.server].Seconds())
	}
	return nil
}

func (r *rig) report(started time.Time, format string, args ...any) {
	fmt.Fprintf(r.progress, "%4.0f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
}

// roundOrder reverses the order of the variants in every second round, so that the order does not favor one variant.
func roundOrder(all []*variant, round int) []*variant {
	order := slices.Clone(all)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

func (v *variant) measureSequential(ctx context.Context, n int, m measurements) error {
	for range n {
		sample, err := v.sampleLatency(ctx)
		if err != nil {
			return err
		}
		m.add("latency", v, sample.latency)
		if v.client == nil {
			continue
		}
		m.add("start latency", v, sample.startLatency)
		m.add("history events", v, sample.workflow.events)
		m.add("history bytes", v, sample.workflow.bytes)
		m.add("actions", v, sample.workflow.actions)
		first := sample.workflow.history[0].EventTime.AsTime()
		previous := first
		for i, e := range sample.workflow.history {
			at, name := e.EventTime.AsTime(), fmt.Sprintf("%02d %s", i+1, e.EventType)
			m.add(eventTime+name, v, milliseconds(at.Sub(first)))
			m.add(eventWait+name, v, milliseconds(at.Sub(previous)))
			previous = at
		}
	}
	return nil
}

func (v *variant) measureSlowClouds(ctx context.Context, n int, m measurements) error {
	v.rig.setCloudDelays(visionDelay, cosmosDelay)
	defer v.rig.setCloudDelays(0, 0)
	for range n {
		sample, err := v.sampleLatency(ctx)
		if err != nil {
			return err
		}
		m.add("latency, slow clouds", v, sample.latency)
	}
	return nil
}

func (v *variant) measureInFlight(ctx context.Context, n int, p plan, m measurements) error {
	result, err := v.measureThroughput(ctx, n, p.interval)
	if err != nil {
		return err
	}
	m.add(throughputMetric(n), v, result.perSecond)
	if n < 100 && n != p.inFlight[len(p.inFlight)-1] {
		return nil // too few pictures for the resolution of CPU times and of the database size
	}
	perPicture := 1 / float64(result.pictures)
	if result.used.known {
		m.add("worker CPU", v, result.used.worker.Seconds()*1000*perPicture)
		m.add("CPU", v, (result.used.worker+result.used.server).Seconds()*1000*perPicture)
		if v.client != nil {
			m.add("server CPU", v, result.used.server.Seconds()*1000*perPicture)
		}
	}
	if v.client != nil {
		m.add("database bytes", v, float64(result.used.database)*perPicture)
	}
	return nil
}
