package main

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/internal/pipeline"
	"triptych/picture"
)

const attributesCommand = "temporal operator search-attribute create --name " + picture.StatusAttribute + " --type Keyword --name " + picture.ReasonAttribute + " --type Keyword"

// createSearchAttributes runs before the worker serves, because the workflow of a rejected picture would not end without
// them. In Temporal Cloud, Terraform creates them.
func createSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	err := queryAttributes(ctx, c)
	if _, missing := errors.AsType[*serviceerror.InvalidArgument](err); !missing {
		return err
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{
			picture.StatusAttribute: enumspb.INDEXED_VALUE_TYPE_KEYWORD, picture.ReasonAttribute: enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		},
	})
	if err != nil {
		return fmt.Errorf("creating the search attributes (by hand: %s): %w", attributesCommand, err)
	}
	return serviceerror.NewUnavailable("Temporal does not know its new search attributes yet") // it caches the old ones for some seconds
}

func queryAttributes(ctx context.Context, c client.Client) error {
	_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("%s = '%s' AND %s = '%s'", picture.StatusAttribute, picture.Rejected, picture.ReasonAttribute, picture.BadImage),
	})
	return err
}

func checkAttributes(ctx context.Context, c client.Client) error {
	err := queryAttributes(ctx, c)
	if _, missing := errors.AsType[*serviceerror.InvalidArgument](err); missing {
		return misconfigured("The search attributes do not exist: start a worker, which creates them, or run " + attributesCommand)
	}
	return pipeline.Explain(err)
}
