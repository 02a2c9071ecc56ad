package check

import (
	"cmp"
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/internal/pipeline"
)

// Temporal returns the calls that all programs make.
func Temporal(c client.Client, namespace string) []Call {
	return []Call{
		{"Temporal, read the namespace", func(ctx context.Context) error {
			_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{
				Namespace: cmp.Or(namespace, client.DefaultNamespace),
			})
			return pipeline.Explain(err)
		}},
		{"Temporal, count workflows", func(ctx context.Context) error {
			_, err := pipeline.CountOpen(ctx, c)
			return pipeline.Explain(err)
		}},
		{"Temporal, write (terminate a workflow that does not exist)", func(ctx context.Context) error {
			err := c.TerminateWorkflow(ctx, Document.WorkflowID(), "", "check")
			if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
				return nil
			}
			return pipeline.Explain(err)
		}},
	}
}
