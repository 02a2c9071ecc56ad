package main

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"triptych/internal/pipeline"
	"triptych/picture"
)

// drained is what came of starting a worker on pictures that waited for one.
type drained struct {
	perSecond float64
	failed    int64
	memory    []float64 // the worker's peak, in bytes; none where it cannot be known
	meanwhile []float64 // ms, each from its accepted start to its Record, of pictures taken while the others were worked off
}

// waiting has n pictures wait, as a sweep starts them, while there is no worker. Then the worker starts, and while it
// works them off, other pictures come through the site, one after the other.
func (r *rig) waiting(ctx context.Context, v *variant, n int) (d drained, err error) {
	release := r.stack.StopProgram(v.worker)
	arrived := make([]<-chan time.Time, n)
	var starts errgroup.Group
	starts.SetLimit(16)
	for i := range n {
		starts.Go(func() error {
			p, err := r.newPicture()
			if err != nil {
				return err
			}
			arrived[i] = r.arrivals.expect(p.ID)
			return pipeline.Start(ctx, v.client, picture.Order{Picture: p}, pipeline.BackfillPriority)
		})
	}
	err = starts.Wait()
	release()
	if err != nil {
		return d, fmt.Errorf("%s: %w", v.name, err)
	}
	err = d.drain(ctx, r, v, arrived)
	return d, err
}

func (d *drained) drain(ctx context.Context, r *rig, v *variant, arrived []<-chan time.Time) error {
	started := time.Now()
	taking, stop := context.WithCancel(ctx)
	defer stop()
	var drained atomic.Bool
	var others errgroup.Group
	inTime := 0
	others.Go(func() error {
		for first := true; first || !drained.Load(); first = false {
			one, err := r.alone(taking, v)
			if err != nil {
				return err
			}
			if !drained.Load() {
				inTime++
			} else if !first {
				break // it had less and less company
			}
			d.meanwhile = append(d.meanwhile, one.latency)
		}
		return nil
	})
	last, err := v.last(ctx, arrived)
	drained.Store(true)
	if err != nil {
		stop()
	}
	if err := cmp.Or(err, others.Wait()); err != nil {
		return err
	}
	d.perSecond = float64(len(arrived)+inTime) / last.Sub(started).Seconds()
	if err := v.settle(ctx); err != nil {
		return err
	}
	if peak, ok := peakMemory(r.stack.PID(v.worker)); ok {
		d.memory = []float64{peak}
	}
	d.failed, err = v.count(ctx, "ExecutionStatus != 'Completed'")
	return err
}

// last is when the last of the pictures arrived.
func (v *variant) last(ctx context.Context, arrived []<-chan time.Time) (last time.Time, err error) {
	for _, a := range arrived {
		at, err := v.wait(ctx, a)
		if err != nil {
			return last, err
		}
		if at.After(last) {
			last = at
		}
	}
	return last, nil
}
