package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// Scheduled sweeps find pictures whose S3 event was lost.
var sweeps = map[string]struct {
	every time.Duration
	sweep picture.Sweep
}{
	"sweep":     {15 * time.Minute, picture.Sweep{Within: int((25 * time.Hour).Seconds())}}, // 24 hours, and a margin for late uploads
	"sweep-all": {24 * time.Hour, picture.Sweep{}},
}

// createSchedules skips needless updates, because an update makes Temporal drop the runs that are overdue.
func createSchedules(ctx context.Context, c client.Client) error {
	const overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP // do not start a sweep while the previous one is running
	for id, s := range sweeps {
		spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}}
		action := &client.ScheduleWorkflowAction{
			ID: id, Workflow: picture.SweepWorkflow, TaskQueue: picture.PicturesQueue, Args: []any{s.sweep},
		}
		_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: id, Spec: spec, Action: action, Overlap: overlap})
		if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			err = c.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
				DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
					schedule := in.Description.Schedule
					current, ok := schedule.Action.(*client.ScheduleWorkflowAction)
					if ok && len(schedule.Spec.Intervals) == 1 && schedule.Spec.Intervals[0].Every == s.every &&
						schedule.Policy.Overlap == overlap && hasSweep(current, s.sweep) && current.Workflow == action.Workflow && current.TaskQueue == action.TaskQueue {
						return nil, temporal.ErrSkipScheduleUpdate
					}
					schedule.Spec, schedule.Action, schedule.Policy.Overlap = &spec, action, overlap
					return &client.ScheduleUpdate{Schedule: &schedule}, nil
				},
			})
		}
		if err != nil {
			return fmt.Errorf("creating the schedule %s: %w", id, err)
		}
	}
	return nil
}

func hasSweep(action *client.ScheduleWorkflowAction, want picture.Sweep) bool {
	if len(action.Args) != 1 {
		return false
	}
	var s picture.Sweep
	payload, ok := action.Args[0].(*commonpb.Payload)
	return ok && converter.GetDefaultDataConverter().FromPayload(payload, &s) == nil && s == want
}
