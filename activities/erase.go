package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"

	"triptych/internal/records"
	"triptych/picture"
)

// Bury puts a tombstone where the Record is, or would come. From then on nothing brings the picture back.
func (a *Activities) Bury(ctx context.Context, id picture.ID) error {
	err := a.Records.Create(ctx, picture.Tombstone(id))
	if !errors.Is(err, records.ErrExists) {
		return cosmosFailure(err)
	}
	kept, etag, err := a.Records.Read(ctx, id)
	if err != nil {
		return cosmosFailure(err)
	}
	if kept.Status == picture.Erased {
		return nil
	}
	return cosmosFailure(a.Records.Replace(ctx, picture.Tombstone(id), etag))
}

// Terminate ends the picture's run, if it has one that is open.
func (a *Activities) Terminate(ctx context.Context, id picture.ID) error {
	err := activity.GetClient(ctx).TerminateWorkflow(ctx, id.WorkflowID(), "", "the owner erased the picture")
	return ignoreNotFound(err)
}

// Delete removes every version of the picture's object, whatever its ending. Objects that were not uploaded
// through the site have no erase token and are not its business.
func (a *Activities) Delete(ctx context.Context, id picture.ID) error {
	prefix := picture.Prefix + string(id) + "."
	pages := s3.NewListObjectVersionsPaginator(a.S3, &s3.ListObjectVersionsInput{Bucket: &a.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure(explain(s3API, err))
		}
		var doomed []types.ObjectIdentifier
		for _, v := range page.Versions {
			doomed = append(doomed, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			doomed = append(doomed, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		for _, d := range doomed {
			if err := a.deleteVersion(ctx, a.Bucket, *d.Key, *d.VersionId); err != nil {
				return failure(err)
			}
		}
	}
	return nil
}

// deleteVersion removes one version of an object; version "" the object of a bucket without versions. It is content
// when there is none.
func (a *Activities) deleteVersion(ctx context.Context, bucket, key, version string) error {
	in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	if _, err := a.S3.DeleteObject(ctx, in); err != nil {
		if meaning := explain(s3API, err); meaning.Kind != picture.Gone {
			return meaning
		}
	}
	return nil
}

// Forget deletes the histories of all of the picture's runs: they hold the annotation.
func (a *Activities) Forget(ctx context.Context, id picture.ID) error {
	c, namespace := activity.GetClient(ctx), activity.GetInfo(ctx).Namespace
	runs, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: namespace, Query: fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()),
	})
	if err != nil {
		return ignoreNotFound(err)
	}
	// The list may lag behind; the latest run is known at once by the ID alone.
	doomed := []*commonpb.WorkflowExecution{{WorkflowId: id.WorkflowID()}}
	for _, run := range runs.Executions {
		doomed = append(doomed, run.Execution)
	}
	for _, run := range doomed {
		_, err := c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: run,
		})
		if err := ignoreNotFound(err); err != nil {
			return err
		}
	}
	return nil
}

func ignoreNotFound(err error) error {
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok || err == nil {
		return nil
	}
	return failure(&picture.Error{Kind: picture.Unavailable, Message: "Temporal could not be asked; it is asked again", Err: err})
}

// cosmosFailure is for writes that are tried again when someone else wrote in between.
func cosmosFailure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, records.ErrChanged), errors.Is(err, records.ErrNotFound):
		return failure(&picture.Error{Kind: picture.Unavailable, Message: "the Record changed meanwhile; it is written again", Err: err})
	default:
		return failure(explain(cosmosDB, err))
	}
}
