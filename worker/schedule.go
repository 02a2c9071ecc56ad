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
	"google.golang.org/protobuf/proto"

	"triptych/picture"
)

// sweeps are the scheduled sweeps. They find pictures whose S3 event was lost. One sweep examines the pictures of the
// last 25 hours every 15 minutes; the other examines all pictures once a day. An upload can arrive up to 15 minutes
// after its ID was created, so the two periods overlap by an hour.
var sweeps = map[string]struct {
	every time.Duration
	sweep picture.Sweep
}{
	"sweep":     {15 * time.Minute, picture.Sweep{Within: int((25 * time.Hour).Seconds())}},
	"sweep-all": {24 * time.Hour, picture.Sweep{}},
}

// overlap is the schedules' overlap policy: a sweep is skipped while the previous one is still running.
const overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP

// createSchedules creates the schedules of the sweeps, or updates those that differ. Every worker does so when it starts.
func createSchedules(ctx context.Context, c client.Client) error {
	for id, s := range sweeps {
		spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}}
		action := &client.ScheduleWorkflowAction{
			ID: id, Workflow: picture.SweepWorkflow, TaskQueue: picture.PicturesQueue, Args: []any{s.sweep},
		}
		_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
			ID: id, Spec: spec, Action: action, Overlap: overlap,
		})
		if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			err = c.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
				DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
					schedule := in.Description.Schedule
					if isCurrent(schedule, s.every, s.sweep) {
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

// isCurrent reports whether schedule has this interval, this sweep and the overlap policy.
func isCurrent(schedule client.Schedule, every time.Duration, sweep picture.Sweep) bool {
	action, ok := schedule.Action.(*client.ScheduleWorkflowAction)
	if !ok || len(schedule.Spec.Intervals) != 1 || schedule.Spec.Intervals[0].Every != every || len(action.Args) != 1 ||
		schedule.Policy.Overlap != overlap {
		return false
	}
	actual, ok := action.Args[0].(*commonpb.Payload)
	if !ok {
		return false
	}
	want, err := converter.GetDefaultDataConverter().ToPayload(sweep)
	return err == nil && action.Workflow == picture.SweepWorkflow && action.TaskQueue == picture.PicturesQueue && proto.Equal(actual, want)
}
