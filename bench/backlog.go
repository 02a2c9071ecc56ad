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

type backlogResult struct {
	perSecond     float64
	failed        int64     // workflows
	workerMemory  []float64 // peak, in bytes; empty if unknown
	serverMemory  []float64
	liveLatencies []float64 // ms, of live pictures sent while the worker processed the backlog
}

func (v *variant) measureBacklog(ctx context.Context, n int) (backlogResult, error) {
	releaseWorker := v.rig.stack.StopProgram(v.worker)
	written := make([]<-chan time.Time, n)
	var starts errgroup.Group
	starts.SetLimit(16)
	for i := range n {
		starts.Go(func() error {
			p, err := v.rig.newPicture()
			if err != nil {
				return err
			}
			written[i] = v.rig.records.expect(p.ID)
			return pipeline.Start(ctx, v.client, picture.Order{Picture: p}, pipeline.BackfillPriority)
		})
	}
	err := starts.Wait()
	releaseWorker()
	if err != nil {
		return backlogResult{}, fmt.Errorf("starting the backlog of %s: %w", v.name, err)
	}
	return v.drainBacklog(ctx, written)
}

func (v *variant) drainBacklog(ctx context.Context, written []<-chan time.Time) (backlogResult, error) {
	var result backlogResult
	started := time.Now()
	var drained atomic.Bool
	liveCtx, stopLive := context.WithCancel(ctx)
	defer stopLive()
	var live errgroup.Group
	live.Go(func() error {
		for !drained.Load() {
			sample, err := v.sampleLatency(liveCtx)
			if err != nil {
				return err
			}
			result.liveLatencies = append(result.liveLatencies, sample.latency)
		}
		return nil
	})
	last, err := v.lastRecord(ctx, written)
	drained.Store(true)
	if err != nil {
		stopLive()
	}
	if err := cmp.Or(err, live.Wait()); err != nil {
		return result, err
	}
	processed := len(written) + len(result.liveLatencies) - 1 // the last live picture outlasted the backlog
	result.perSecond = float64(processed) / last.Sub(started).Seconds()
	if err := v.waitForWorkflows(ctx); err != nil {
		return result, err
	}
	if peak, ok := peakMemory(v.rig.stack.PID(v.worker)); ok {
		result.workerMemory = []float64{peak}
	}
	if peak, ok := peakMemory(v.rig.stack.PID(v.server.process)); ok {
		result.serverMemory = []float64{peak}
	}
	result.failed, err = v.countWorkflows(ctx, "ExecutionStatus != 'Completed'")
	return result, err
}

func (v *variant) lastRecord(ctx context.Context, written []<-chan time.Time) (last time.Time, err error) {
	for _, w := range written {
		at, err := v.waitForRecord(ctx, w)
		if err != nil {
			return last, err
		}
		if at.After(last) {
			last = at
		}
	}
	return last, nil
}
