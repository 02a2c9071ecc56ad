package telemetry_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/internal/telemetry"
)

func TestWorkflowSpans(t *testing.T) {
	var traceID trace.TraceID
	step := func(ctx context.Context) error {
		traceID = trace.SpanContextFromContext(ctx).TraceID()
		return nil
	}
	start := func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, "step").Get(ctx, nil)
	}
	for name, test := range map[string]struct {
		workflowID string
		parents    map[string]string // by span
	}{
		"spans_of_a_picture_are_below_its_root":    {pictureID.WorkflowID(), map[string]string{"RunWorkflow:start": "root", "RunActivity:step": "root"}},
		"erasure_is_below_the_root_of_its_picture": {pictureID.EraseWorkflowID(), map[string]string{"RunWorkflow:start": "root", "RunActivity:step": "root"}},
		"spans_of_a_sweep_are_below_each_other": {"sweep-2026-11-28",
			map[string]string{"RunWorkflow:start": "", "StartActivity:step": "RunWorkflow:start", "RunActivity:step": "StartActivity:step"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := startOn(t)
			traces, err := telemetry.Interceptor()
			if err != nil {
				t.Fatal(err)
			}
			env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
			env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{traces}})
			env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: test.workflowID})
			env.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: "step"})
			env.RegisterWorkflowWithOptions(start, workflow.RegisterOptions{Name: "start"})
			if env.ExecuteWorkflow("start"); env.GetWorkflowError() != nil {
				t.Fatal(env.GetWorkflowError())
			}
			telemetry.Flush(t.Context())
			root := trace.SpanContextFromContext(telemetry.WithPicture(t.Context(), pictureID)).SpanID()
			names, parents := map[string]string{string(root[:]): "root"}, map[string]string{}
			for _, s := range c.Spans(traceID) {
				names[string(s.SpanId)] = s.Name
			}
			for _, s := range c.Spans(traceID) {
				parents[s.Name] = names[string(s.ParentSpanId)]
			}
			if !maps.Equal(parents, test.parents) {
				t.Errorf("the spans have the parents %v, want %v", parents, test.parents)
			}
		})
	}
}
