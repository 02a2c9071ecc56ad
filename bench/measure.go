package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// measurements are all values of one kind, such as "idle", of one variant.
type measurements map[string]map[string][]float64

func (m measurements) add(kind string, v *variant, values ...float64) {
	if m[kind] == nil {
		m[kind] = map[string][]float64{}
	}
	m[kind][v.name] = append(m[kind][v.name], values...)
}

// measure follows the plan. What it has when ctx ends, it returns.
func (r *rig) measure(ctx context.Context, p plan) (measurements, error) {
	m := measurements{}
	started := time.Now()
	for round := range p.rounds {
		order := inTurn(r.variants, round)
		for _, part := range []struct {
			what string
			do   func(context.Context, *variant, plan, measurements) error
		}{{"one by one", r.measureIdle}, {"one by one, slow clouds", r.measureSlow}, {"from the event", r.measureEvents}} {
			for _, v := range order {
				r.tell(started, "round %d of %d: %s: %s", round+1, p.rounds, part.what, v.name)
				if err := part.do(ctx, v, p, m); err != nil {
					return m, err
				}
			}
		}
		for _, n := range p.flights {
			for _, v := range order {
				r.tell(started, "round %d of %d: %d in flight: %s", round+1, p.rounds, n, v.name)
				if err := r.measureFlight(ctx, v, n, p, m); err != nil {
					return m, err
				}
			}
		}
		r.tell(started, "round %d of %d: starts of the trigger", round+1, p.rounds)
		if err := r.measureTrigger(ctx, p, m); err != nil {
			return m, err
		}
	}
	r.measureMemory(m)
	for _, v := range r.variants {
		r.tell(started, "%d waiting: %s", p.waiting, v.name)
		if err := r.measureWaiting(ctx, v, p, m); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (r *rig) tell(started time.Time, what string, args ...any) {
	fmt.Fprintf(r.say, "%4.0f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(what, args...))
}

// inTurn goes back and forth, so that what one leaves behind does not always meet the same other.
func inTurn(all []*variant, round int) []*variant {
	order := slices.Clone(all)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// often is how many pictures of v are taken one by one: fewer where each takes a quarter of a second.
func often(v *variant, n int) int {
	if v.name == "default" {
		return (n + 2) / 3
	}
	return n
}

func (r *rig) measureIdle(ctx context.Context, v *variant, p plan, m measurements) error {
	for range often(v, p.idle) {
		one, err := r.alone(ctx, v)
		if err != nil {
			return err
		}
		m.add("idle", v, one.latency)
		if v.client != nil {
			m.add("start", v, one.started)
			m.add("history events", v, one.kept.events)
			m.add("history bytes", v, one.kept.bytes)
			m.add("actions", v, one.kept.actions)
			first := one.kept.history[0].EventTime.AsTime()
			before := first
			for i, e := range one.kept.history {
				at, name := e.EventTime.AsTime(), fmt.Sprintf("%02d %s", i+1, e.EventType)
				m.add(eventKind+name, v, ms(at.Sub(first)))
				m.add(waitKind+name, v, ms(at.Sub(before)))
				before = at
			}
		}
	}
	return nil
}

func (r *rig) measureSlow(ctx context.Context, v *variant, p plan, m measurements) error {
	r.clouds(visionTakes, cosmosTakes)
	defer r.clouds(0, 0)
	for range p.slow {
		one, err := r.alone(ctx, v)
		if err != nil {
			return err
		}
		m.add("slow", v, one.latency)
	}
	return nil
}

// measureEvents times what S3 sets off, the queue before the trigger included.
func (r *rig) measureEvents(ctx context.Context, v *variant, p plan, m measurements) error {
	if v.function == nil {
		return nil
	}
	for range often(v, p.events) {
		one, err := r.newPicture()
		if err != nil {
			return err
		}
		arrived := r.arrivals.expect(one.ID)
		sent := time.Now()
		if err := v.function.notify(ctx, one); err != nil {
			return err
		}
		at, err := v.wait(ctx, arrived)
		if err != nil {
			return err
		}
		m.add("event", v, ms(at.Sub(sent)))
		if err := v.client.GetWorkflow(ctx, one.ID.WorkflowID(), "").Get(ctx, nil); err != nil {
			return fmt.Errorf("%s: a run failed: %w", v.name, err)
		}
	}
	return nil
}

func (r *rig) measureFlight(ctx context.Context, v *variant, n int, p plan, m measurements) error {
	if v.name == "default" && n > 100 {
		return nil // it would take minutes
	}
	f, err := r.flood(ctx, v, n, p.during)
	if err != nil {
		return err
	}
	m.add(flightKind(n), v, f.perSecond)
	if n != p.flights[len(p.flights)-1] && n < 100 {
		return nil // too few pictures to tell CPU and database by
	}
	each := float64(f.pictures)
	if f.used.known {
		m.add("cpu worker", v, f.used.worker.Seconds()/each*1000)
		if v.client != nil {
			m.add("cpu server", v, f.used.server.Seconds()/each*1000)
			m.add("cpu trigger", v, f.used.trigger.Seconds()/each*1000)
		}
		m.add("cpu", v, (f.used.worker+f.used.server).Seconds()/each*1000)
	}
	if v.client != nil {
		m.add("database", v, float64(f.used.database)/each)
	}
	return nil
}

// eventKind begins the kinds that tell when each event of a history was written, waitKind how long after the one before.
const (
	eventKind = "at event "
	waitKind  = "before event "
)

func flightKind(n int) string { return fmt.Sprintf("in flight %d", n) }

// measureTrigger starts the shipped trigger afresh, each time for one event of the product.
func (r *rig) measureTrigger(ctx context.Context, p plan, m measurements) error {
	v := r.product()
	if v == nil {
		return nil
	}
	for range p.starts {
		took, err := r.coldStart(ctx, v)
		if err != nil {
			return err
		}
		m.add("cold", v, ms(took))
	}
	return nil
}

// coldStart is how long it takes a trigger that is not running to have one start accepted. It stops that trigger, also
// when something failed: it works in a directory that is going to be removed.
func (r *rig) coldStart(ctx context.Context, v *variant) (time.Duration, error) {
	f, err := r.openFunction(v)
	if err != nil {
		return 0, err
	}
	defer f.stop()
	one, err := r.newPicture()
	if err != nil {
		return 0, err
	}
	arrived := r.arrivals.expect(one.ID)
	sent := time.Now()
	if err := f.invoke(ctx, one); err != nil {
		return 0, err
	}
	took := time.Since(sent)
	_, err = v.wait(ctx, arrived)
	return took, err
}

// product is nil when others alone are measured.
func (r *rig) product() *variant {
	if last := r.variants[len(r.variants)-1]; last.name == "triptych" {
		return last
	}
	return nil
}

func (r *rig) measureMemory(m measurements) {
	for _, v := range r.variants {
		if peak, ok := peakMemory(r.stack.PID(v.worker)); ok {
			m.add("worker memory", v, peak)
		}
	}
	product := r.product()
	if product == nil {
		return
	}
	for _, pid := range ownChildren("trigger") {
		if peak, ok := peakMemory(pid); ok {
			m.add("trigger memory", product, peak)
		}
	}
	if info, err := os.Stat(r.bootstrap); err == nil {
		m.add("bootstrap", product, float64(info.Size()))
	}
}

// measureWaiting leaves out direct, where nothing can wait, and default, which would take the longest.
func (r *rig) measureWaiting(ctx context.Context, v *variant, p plan, m measurements) error {
	if v.client == nil || v.name == "default" {
		return nil
	}
	d, err := r.waiting(ctx, v, p.waiting)
	if err != nil {
		return err
	}
	m.add("drained", v, d.perSecond)
	m.add("failed", v, float64(d.failed))
	m.add("drain memory", v, d.memory...)
	m.add("meanwhile", v, d.meanwhile...)
	return nil
}
