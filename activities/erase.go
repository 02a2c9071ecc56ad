package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	commonpb "go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

// WriteTombstone creates a tombstone, which replaces an existing Record. A tombstone is never replaced.
func (a *Activities) WriteTombstone(ctx context.Context, id picture.ID) error {
	return failure(a.writeTombstone(ctx, id))
}

func (a *Activities) writeTombstone(ctx context.Context, id picture.ID) error {
	err := a.Records.Create(ctx, picture.Tombstone(id))
	if !errors.Is(err, records.ErrExists) {
		return explainWrite(err)
	}
	existing, etag, err := a.Records.Read(ctx, id)
	if err == nil && existing.Status != picture.Erased {
		err = a.Records.Replace(ctx, picture.Tombstone(id), etag)
	}
	return explainWrite(err)
}

// TerminateWorkflow also succeeds if the picture's workflow is not running.
func (a *Activities) TerminateWorkflow(ctx context.Context, id picture.ID) error {
	err := activity.GetClient(ctx).TerminateWorkflow(ctx, id.WorkflowID(), "", "The owner erased the picture")
	return failure(explainTemporal(err))
}

// DeleteObject deletes all versions of the picture's S3 objects, such as pictures/<id>.jpg and pictures/<id>.png.
func (a *Activities) DeleteObject(ctx context.Context, id picture.ID) error {
	prefix := picture.Prefix + string(id) + "."
	pages := s3.NewListObjectVersionsPaginator(a.S3, &s3.ListObjectVersionsInput{Bucket: &a.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure(objects.Explain(err))
		}
		for _, marker := range page.DeleteMarkers {
			page.Versions = append(page.Versions, types.ObjectVersion{Key: marker.Key, VersionId: marker.VersionId})
		}
		for _, v := range page.Versions {
			if err := a.deleteVersion(ctx, a.Bucket, *v.Key, *v.VersionId); err != nil {
				return failure(err)
			}
		}
	}
	return nil
}

func (a *Activities) deleteVersion(ctx context.Context, bucket, key, version string) error {
	in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	if _, err := a.S3.DeleteObject(ctx, in); err != nil {
		if explained := objects.Explain(err); explained.Kind != picture.Gone {
			return explained
		}
	}
	return nil
}

// DeleteHistory deletes the histories of all runs of the picture's workflow, which contain the annotation.
func (a *Activities) DeleteHistory(ctx context.Context, id picture.ID) error {
	c, namespace := activity.GetClient(ctx), activity.GetInfo(ctx).Namespace
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: namespace, Query: fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()),
	})
	if err != nil {
		return failure(explainTemporal(err))
	}
	// ListWorkflow may not return the latest run yet. Without a run ID, Temporal deletes the latest run.
	latest := &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()}}
	for _, e := range append([]*workflowpb.WorkflowExecutionInfo{latest}, list.Executions...) {
		_, err := c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: namespace, WorkflowExecution: e.Execution,
		})
		if err := explainTemporal(err); err != nil {
			return failure(err)
		}
	}
	return nil
}
