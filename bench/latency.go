package main

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"triptych/picture"
)

type latencySample struct {
	latency      float64 // ms, from the accepted start to the Record
	startLatency float64 // ms, from the event to the accepted start
	workflow     workflowSize
}

type workflowSize struct {
	events, bytes, actions float64
	history                []*historypb.HistoryEvent
}

// sampleLatency waits until the workflow has ended. A running workflow would slow down the next picture.
func (v *variant) sampleLatency(ctx context.Context) (latencySample, error) {
	sent := time.Now()
	accepted := sent
	p, written, err := v.process(ctx, func() { accepted = time.Now() })
	if err != nil || v.client == nil {
		return latencySample{latency: milliseconds(written.Sub(accepted))}, err
	}
	if err := v.client.GetWorkflow(ctx, p.ID.WorkflowID(), "").Get(ctx, nil); err != nil {
		return latencySample{}, fmt.Errorf("%s: a workflow failed: %w", v.name, err)
	}
	size, started, err := v.workflowSize(ctx, p)
	return latencySample{milliseconds(written.Sub(started)), milliseconds(accepted.Sub(sent)), size}, err
}

func (v *variant) workflowSize(ctx context.Context, p picture.Picture) (workflowSize, time.Time, error) {
	description, err := v.client.DescribeWorkflowExecution(ctx, p.ID.WorkflowID(), "")
	if err != nil {
		return workflowSize{}, time.Time{}, fmt.Errorf("describing a workflow of %s: %w", v.name, err)
	}
	info := description.WorkflowExecutionInfo
	size := workflowSize{events: float64(info.HistoryLength), bytes: float64(info.HistorySizeBytes)}
	history := v.client.GetWorkflowHistory(ctx, p.ID.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return workflowSize{}, time.Time{}, fmt.Errorf("reading a history of %s: %w", v.name, err)
		}
		size.history = append(size.history, event)
	}
	size.actions = float64(billableActions(size.history))
	return size, info.StartTime.AsTime(), nil
}

// billableActions follows https://docs.temporal.io/cloud/actions (November 2026). It does not count heartbeats,
// because the benchmark's activities end before their first heartbeat.
func billableActions(events []*historypb.HistoryEvent) int {
	n, tasksWithMarkers := 0, map[int64]bool{}
	for _, e := range events {
		switch e.EventType {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_TIMER_STARTED:
			n++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			n += int(e.GetActivityTaskStartedEventAttributes().Attempt) - 1
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			tasksWithMarkers[e.GetMarkerRecordedEventAttributes().WorkflowTaskCompletedEventId] = true
		}
	}
	return n + len(tasksWithMarkers)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
