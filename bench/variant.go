package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"triptych/picture"
)

var silentLogger = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

type variant struct {
	name   string
	rig    *rig
	worker string // name of the child process that calls the clouds
	url    string // where direct receives pictures

	server    server
	client    client.Client // nil for direct
	namespace string
	trigger   *trigger // nil for direct
}

// A slow Temporal server needs minutes for 1,000 concurrent pictures.
const pictureTimeout = 5 * time.Minute

// process calls `accepted` when the variant has accepted the picture, and returns the Record's creation time.
func (v *variant) process(ctx context.Context, accepted func()) (picture.Picture, time.Time, error) {
	p, err := v.rig.newPicture()
	if err != nil {
		return p, time.Time{}, err
	}
	written := v.rig.records.expect(p.ID)
	if err := v.start(ctx, p, accepted); err != nil {
		return p, time.Time{}, fmt.Errorf("starting a picture of %s: %w", v.name, err)
	}
	at, err := v.waitForRecord(ctx, written)
	return p, at, err
}

func (v *variant) start(ctx context.Context, p picture.Picture, accepted func()) error {
	if v.trigger != nil {
		defer accepted()
		return v.trigger.invoke(ctx, p)
	}
	accepted() // a direct call begins immediately and returns when the Record is written
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return post(ctx, v.url, body)
}

func (v *variant) waitForRecord(ctx context.Context, written <-chan time.Time) (time.Time, error) {
	timeout := time.NewTimer(pictureTimeout)
	defer timeout.Stop()
	select {
	case at := <-written:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-timeout.C:
		return time.Time{}, fmt.Errorf("%s: a picture had no Record after %s; the logs are in %s/logs", v.name, pictureTimeout, v.rig.stack.Dir())
	}
}

// newPicture uploads nothing to S3, because the Vision emulator returns a fixed annotation without fetching the
// picture.
func (r *rig) newPicture() (picture.Picture, error) {
	now := time.Now()
	key, err := picture.NewID(now, rand.Text()).Key("image/jpeg")
	if err != nil {
		return picture.Picture{}, err
	}
	return picture.New(r.stack.Endpoints.Bucket, key, "3HL4kqtJvjVBH40Nrjfkd3q9nRk0mAbc", "d41d8cd98f00b204e9800998ecf8427e", 345_678, now)
}

func (v *variant) waitForWorkflows(ctx context.Context) error {
	if v.client == nil {
		return nil
	}
	for {
		n, err := v.countWorkflows(ctx, "ExecutionStatus = 'Running'")
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

func (v *variant) countWorkflows(ctx context.Context, filter string) (int64, error) {
	response, err := v.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: v.namespace, Query: fmt.Sprintf("WorkflowType = '%s' AND %s", picture.AnnotateWorkflow, filter),
	})
	if err != nil {
		return 0, fmt.Errorf("counting the workflows of %s: %w", v.name, err)
	}
	return response.Count, nil
}
