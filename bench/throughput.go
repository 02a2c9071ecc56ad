package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

type throughput struct {
	perSecond float64
	pictures  int64 // including those before and after the measured interval
	used      usage // by all pictures
}

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
