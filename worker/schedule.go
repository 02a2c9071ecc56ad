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

// sweeps are what finds the pictures whose event was lost: soon after they were uploaded (an upload comes up to a
// quarter of an hour after its ID was minted), and once a day whatever there is.
var sweeps = map[string]struct {
	every time.Duration
	sweep picture.Sweep
}{
	"sweep":     {15 * time.Minute, picture.Sweep{Within: int((25 * time.Hour).Seconds())}},
	"sweep-all": {24 * time.Hour, picture.Sweep{}},
}

// overlap lets a sweep that takes longer than its turn finish; the next turn comes soon enough.
const overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP

// schedule creates the sweeps' schedules, or updates those that differ. Every worker does so when it starts; who comes
// second finds them as they should be.
func schedule(ctx context.Context, c client.Client) error {
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
					have := in.Description.Schedule
					if same(have, s.every, s.sweep) {
						return nil, temporal.ErrSkipScheduleUpdate
					}
					have.Spec, have.Action, have.Policy.Overlap = &spec, action, overlap
					return &client.ScheduleUpdate{Schedule: &have}, nil
				},
			})
		}
		if err != nil {
			return fmt.Errorf("scheduling %s, which finds pictures whose event was lost: %w", id, err)
		}
	}
	return nil
}

func same(have client.Schedule, every time.Duration, sweep picture.Sweep) bool {
	action, ok := have.Action.(*client.ScheduleWorkflowAction)
	if !ok || len(have.Spec.Intervals) != 1 || have.Spec.Intervals[0].Every != every || len(action.Args) != 1 ||
		have.Policy.Overlap != overlap {
		return false
	}
	given, ok := action.Args[0].(*commonpb.Payload)
	if !ok {
		return false
	}
	want, err := converter.GetDefaultDataConverter().ToPayload(sweep)
	return err == nil && action.Workflow == picture.SweepWorkflow && action.TaskQueue == picture.PicturesQueue && proto.Equal(given, want)
}
