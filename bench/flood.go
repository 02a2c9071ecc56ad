package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// flooded is what came of keeping so many pictures in flight.
type flooded struct {
	perSecond float64
	pictures  int64 // that were taken in all, also before and after the rate was measured
	used      usage // by all of them
}

// flood keeps inFlight pictures under way: whenever one has its Record, the next is started. The rate is taken for
// the given time, from when the first of each has been accepted, or until one has its Record if that takes longer.
func (r *rig) flood(ctx context.Context, v *variant, inFlight int, during time.Duration) (flooded, error) {
	before := v.usage()
	var f flooded
	var counting, over atomic.Bool
	var counted, pictures atomic.Int64
	one := make(chan struct{})
	some := sync.OnceFunc(func() { close(one) })
	var begun sync.WaitGroup
	begun.Add(inFlight)
	group, running := errgroup.WithContext(ctx)
	for range inFlight {
		group.Go(func() error {
			first := sync.OnceFunc(begun.Done)
			defer first() // also when it failed
			for !over.Load() {
				if _, _, err := v.take(running, first); err != nil {
					return err
				}
				pictures.Add(1)
				if counting.Load() {
					counted.Add(1)
					some()
				}
			}
			return nil
		})
	}
	begun.Wait()
	counting.Store(true)
	started := time.Now()
	select {
	case <-time.After(during):
	case <-running.Done():
	}
	select {
	case <-one:
	case <-running.Done():
	}
	counting.Store(false)
	f.perSecond = float64(counted.Load()) / time.Since(started).Seconds()
	over.Store(true)
	if err := group.Wait(); err != nil {
		return f, err
	}
	if err := v.settle(ctx); err != nil {
		return f, err
	}
	f.pictures, f.used = pictures.Load(), v.usage().since(before)
	return f, nil
}

func (u usage) since(before usage) usage {
	return usage{
		server: u.server - before.server, worker: u.worker - before.worker, trigger: u.trigger - before.trigger,
		database: u.database - before.database, known: u.known && before.known,
	}
}
