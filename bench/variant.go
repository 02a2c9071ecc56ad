package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"triptych/picture"
)

var quiet = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

// variant is one way to bring a picture through the three clouds.
type variant struct {
	name     string
	rig      *rig
	worker   string // the child that makes the calls
	server   string // the child that is its Temporal; "" for direct
	database string // of that server

	url string // of direct

	client      client.Client
	namespace   string
	function    *function
	environment []string // of the trigger
}

// patience is how long one picture may take: with 1,000 in flight on a slow server, minutes.
const patience = 5 * time.Minute

// take brings one picture through. It calls accepted when the start is, and returns when the Record has been written.
func (v *variant) take(ctx context.Context, accepted func()) (picture.Picture, time.Time, error) {
	p, err := v.rig.newPicture()
	if err != nil {
		return p, time.Time{}, err
	}
	arrived := v.rig.arrivals.expect(p.ID)
	if err := v.start(ctx, p, accepted); err != nil {
		return p, time.Time{}, fmt.Errorf("%s: %w", v.name, err)
	}
	at, err := v.wait(ctx, arrived)
	return p, at, err
}

func (v *variant) start(ctx context.Context, p picture.Picture, accepted func()) error {
	if v.function != nil {
		defer accepted()
		return v.function.invoke(ctx, p)
	}
	accepted()
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return post(ctx, v.url, "", body)
}

func (v *variant) wait(ctx context.Context, arrived <-chan time.Time) (time.Time, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case at := <-arrived:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-late.C:
		return time.Time{}, fmt.Errorf("%s: a picture did not arrive within %s; the logs are in %s/logs", v.name, patience, v.rig.stack.Dir())
	}
}

// newPicture mints one. No object of it is needed: nobody looks at it.
func (r *rig) newPicture() (picture.Picture, error) {
	now := time.Now()
	key, err := picture.NewID(now).Key("image/jpeg")
	if err != nil {
		return picture.Picture{}, err
	}
	return picture.New(r.stack.Endpoints.Bucket, key, "3HL4kqtJvjVBH40Nrjfkd3q9nRk0mAbc", "d41d8cd98f00b204e9800998ecf8427e", 345_678, now)
}

// settle waits until no run of the variant is under way.
func (v *variant) settle(ctx context.Context) error {
	if v.client == nil {
		return nil
	}
	return v.untilNone(ctx, "ExecutionStatus = 'Running'")
}

func (v *variant) untilNone(ctx context.Context, which string) error {
	for {
		n, err := v.count(ctx, which)
		if n == 0 || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// count is how many runs of pictures there are, in Temporal's list filter.
func (v *variant) count(ctx context.Context, which string) (int64, error) {
	answer, err := v.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: v.namespace, Query: fmt.Sprintf("WorkflowType = '%s' AND %s", picture.AnnotateWorkflow, which),
	})
	if err != nil {
		return 0, fmt.Errorf("counting the runs of %s: %w", v.name, err)
	}
	return answer.Count, nil
}

// usage is what the processes of a variant have taken so far.
type usage struct {
	server, worker, trigger time.Duration
	database                int64
	known                   bool
}

func (v *variant) usage() usage {
	var u usage
	u.worker, u.known = cpu(v.rig.stack.PID(v.worker))
	if v.server != "" {
		u.server, _ = cpu(v.rig.stack.PID(v.server))
		if info, err := os.Stat(v.database); err == nil {
			u.database = info.Size()
		}
	}
	for _, pid := range ownChildren("trigger") {
		taken, _ := cpu(pid)
		u.trigger += taken
	}
	return u
}
