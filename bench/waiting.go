package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"triptych/internal/temporal"
	"triptych/picture"
)

// drained is what came of starting a worker on pictures that waited for one.
type drained struct {
	perSecond float64
	failed    int64
	memory    float64   // the worker's peak, in bytes
	meanwhile []float64 // ms, each from its accepted start to its Record, of pictures taken while the others were worked off
}

// waiting has n pictures wait, as a sweep starts them, while there is no worker. Then the worker starts, and while it
// works them off, other pictures come through the site, one after the other.
func (r *rig) waiting(ctx context.Context, v *variant, n int) (d drained, err error) {
	release := r.stack.Hold(v.worker)
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
			return temporal.Start(ctx, v.client, picture.Order{Picture: p}, temporal.Backlog)
		})
	}
	err = starts.Wait()
	release()
	if err != nil {
		return d, fmt.Errorf("%s: %w", v.name, err)
	}
	return d, d.drain(ctx, r, v, arrived)
}

func (d *drained) drain(ctx context.Context, r *rig, v *variant, arrived []<-chan time.Time) error {
	started := time.Now()
	draining, over := context.WithCancel(ctx)
	defer over()
	var others errgroup.Group
	others.Go(func() error {
		for draining.Err() == nil {
			one, err := r.alone(ctx, v)
			if err != nil {
				return err
			}
			if draining.Err() == nil {
				d.meanwhile = append(d.meanwhile, one.latency)
			}
		}
		return nil
	})
	last := started
	for _, a := range arrived {
		at, err := v.wait(ctx, a)
		if err != nil {
			return err
		}
		if at.After(last) {
			last = at
		}
	}
	over()
	d.perSecond = float64(len(arrived)+len(d.meanwhile)) / last.Sub(started).Seconds()
	if err := others.Wait(); err != nil {
		return err
	}
	if err := v.settle(ctx); err != nil {
		return err
	}
	d.memory, _ = peakMemory(r.stack.PID(v.worker))
	var err error
	d.failed, err = v.count(ctx, "ExecutionStatus != 'Completed'")
	return err
}
