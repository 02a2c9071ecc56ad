package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/internal/pipeline"
	"triptych/picture"
)

// The only activity option is a timeout, because Temporal requires one.
func annotatePicture(ctx workflow.Context, p picture.Picture) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var url string
	if err := workflow.ExecuteActivity(ctx, string(picture.PresignStep), p).Get(ctx, &url); err != nil {
		return err
	}
	var annotation json.RawMessage
	if err := workflow.ExecuteActivity(ctx, string(picture.AnnotateStep), url).Get(ctx, &annotation); err != nil {
		return err
	}
	record := p.AnnotatedRecord(annotation, workflow.Now(ctx), nil, "")
	return workflow.ExecuteActivity(ctx, string(picture.PersistStep), record).Get(ctx, nil)
}

// servePlain uses the product's workflow type and task queue, so that the product's trigger can start the workflows.
func servePlain(ctx context.Context, s *steps, payloadKeys string) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	codec, err := pipeline.ParseKeys(payloadKeys)
	if err != nil {
		return err
	}
	options.DataConverter = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec) // the product's trigger encrypts
	options.Logger = sdklog.NewStructuredLogger(slog.Default())                                         // the SDK's default logger writes a line for each activity
	c, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, picture.PicturesQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(annotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	for name, step := range map[picture.StepName]any{picture.PresignStep: s.presign, picture.AnnotateStep: s.annotate, picture.PersistStep: s.persist} {
		w.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: string(name)})
	}
	stop := make(chan any)
	context.AfterFunc(ctx, func() { close(stop) })
	return w.Run(stop)
}
