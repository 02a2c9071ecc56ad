package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"triptych/internal/check"
	"triptych/internal/pipeline"
	"triptych/internal/settings"
	"triptych/picture"
)

// runChecks makes each call of worker once, and returns the number of calls that failed.
func runChecks(ctx context.Context, w io.Writer) int {
	return check.Program(ctx, w, func(ctx context.Context) ([]check.Call, func(), error) {
		s, err := settings.Load(ctx)
		if err != nil {
			return nil, nil, err
		}
		c, a, temporal, err := connect(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		calls := append(a.Checks(), check.Temporal(temporal, c.Temporal.Namespace)...)
		calls = append(calls, check.Call{Name: "Temporal, query the search attributes", Do: func(ctx context.Context) error { return checkAttributes(ctx, temporal) }})
		for _, queue := range []string{picture.PicturesQueue, picture.AnnotateQueue} {
			calls = append(calls, check.Call{Name: "Temporal, read the task queue " + queue, Do: func(ctx context.Context) error {
				_, err := temporal.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
				return pipeline.Explain(err)
			}})
		}
		for _, id := range slices.Sorted(maps.Keys(sweeps)) {
			calls = append(calls, check.Call{Name: "Temporal, read the schedule " + id, Do: func(ctx context.Context) error {
				return checkSchedule(ctx, temporal, id)
			}})
		}
		return calls, temporal.Close, nil
	})
}

func checkSchedule(ctx context.Context, c client.Client, id string) error {
	schedule, err := c.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return misconfigured("The schedule does not exist: start a worker, which creates it")
	}
	if err == nil && schedule.Schedule.State.Paused {
		return misconfigured("The schedule is paused: temporal schedule toggle --unpause --schedule-id " + id)
	}
	return pipeline.Explain(err)
}

func misconfigured(message string) error {
	return &picture.Error{Kind: picture.Misconfigured, Cloud: picture.Temporal, Message: message}
}
