package main

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"triptych/picture"
)

// alone is what one picture met that had all to itself.
type alone struct {
	latency float64 // ms, from the accepted start to the Record
	started float64 // ms, from the event to the accepted start
	kept    kept
}

// kept is what Temporal kept of it.
type kept struct {
	events, bytes, actions float64
	history                []*historypb.HistoryEvent
}

// alone takes one picture and waits until its run has ended too, so that the next one is not in its way.
func (r *rig) alone(ctx context.Context, v *variant) (alone, error) {
	sent := time.Now()
	accepted := sent
	p, arrived, err := v.take(ctx, func() { accepted = time.Now() })
	if err != nil || v.client == nil {
		return alone{latency: ms(arrived.Sub(accepted))}, err
	}
	if err := v.client.GetWorkflow(ctx, p.ID.WorkflowID(), "").Get(ctx, nil); err != nil {
		return alone{}, fmt.Errorf("%s: a run failed: %w", v.name, err)
	}
	k, began, err := v.inspect(ctx, p)
	// Temporal accepted the start when it began the history, not when word of it came back here.
	return alone{latency: ms(arrived.Sub(began)), started: ms(accepted.Sub(sent)), kept: k}, err
}

func (v *variant) inspect(ctx context.Context, p picture.Picture) (kept, time.Time, error) {
	told, err := v.client.DescribeWorkflowExecution(ctx, p.ID.WorkflowID(), "")
	if err != nil {
		return kept{}, time.Time{}, fmt.Errorf("looking at a run of %s: %w", v.name, err)
	}
	info := told.WorkflowExecutionInfo
	k := kept{events: float64(info.HistoryLength), bytes: float64(info.HistorySizeBytes)}
	history := v.client.GetWorkflowHistory(ctx, p.ID.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return kept{}, time.Time{}, fmt.Errorf("reading a history of %s: %w", v.name, err)
		}
		k.history = append(k.history, event)
	}
	k.actions = float64(actions(k.history))
	return k, info.StartTime.AsTime(), nil
}

// actions counts a run's billable Actions by its history, as https://docs.temporal.io/cloud/actions defines them (read
// in November 2026): a start, each activity scheduled and each further attempt of it, each timer, and all markers of
// one workflow task, such as those of local activities, as one. Heartbeats that reach the server are Actions too and
// leave no event; the first would after 1.5 s.
func actions(events []*historypb.HistoryEvent) int {
	n, marked := 0, map[int64]bool{}
	for _, e := range events {
		switch e.EventType {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_TIMER_STARTED:
			n++
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			n += int(e.GetActivityTaskStartedEventAttributes().Attempt) - 1
		case enumspb.EVENT_TYPE_MARKER_RECORDED:
			marked[e.GetMarkerRecordedEventAttributes().WorkflowTaskCompletedEventId] = true
		}
	}
	return n + len(marked)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
