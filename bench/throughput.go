package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// throughput contains the results of measureThroughput for one variant. The concurrency was constant during the
// measurement.
type throughput struct {
	perSecond float64
	pictures  int64 // including those before and after the measured interval
	used      usage // by all pictures
}

// measureThroughput measures how many Records the variant creates per second. The measurement starts when the variant
// has accepted inFlight pictures. It ends after `interval`, or with the first Record if no Record has been created by
// then.
func (v *variant) measureThroughput(ctx context.Context, inFlight int, interval time.Duration) (throughput, error) {
	before := v.usage()
	var result throughput
	var counting, stopping atomic.Bool
	var counted, pictures atomic.Int64
	firstRecord := make(chan struct{})
	signalFirstRecord := sync.OnceFunc(func() { close(firstRecord) })
	var accepted sync.WaitGroup
	accepted.Add(inFlight)
	group, groupCtx := errgroup.WithContext(ctx)
	for range inFlight {
		group.Go(func() error {
			signalAccepted := sync.OnceFunc(accepted.Done)
			defer signalAccepted() // if the first start fails
			for !stopping.Load() {
				if _, _, err := v.process(groupCtx, signalAccepted); err != nil {
					return err
				}
				pictures.Add(1)
				if counting.Load() {
					counted.Add(1)
					signalFirstRecord()
				}
			}
			return nil
		})
	}
	accepted.Wait()
	counting.Store(true)
	started := time.Now()
	select {
	case <-time.After(interval):
	case <-groupCtx.Done():
	}
	select {
	case <-firstRecord:
	case <-groupCtx.Done():
	}
	counting.Store(false)
	result.perSecond = float64(counted.Load()) / time.Since(started).Seconds()
	stopping.Store(true)
	if err := group.Wait(); err != nil {
		return result, err
	}
	if err := v.waitForWorkflows(ctx); err != nil {
		return result, err
	}
	result.pictures, result.used = pictures.Load(), v.usage().since(before)
	return result, nil
}
