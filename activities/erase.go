package activities

import (
	"context"
	"errors"

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
			if _, err := a.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &a.Bucket, Key: d.Key, VersionId: d.VersionId}); err != nil {
				return failure(explain(s3API, err))
			}
		}
	}
	return nil
}

// Forget deletes the history of the picture's run: it holds the annotation.
func (a *Activities) Forget(ctx context.Context, id picture.ID) error {
	_, err := activity.GetClient(ctx).WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace:         activity.GetInfo(ctx).Namespace,
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()},
	})
	return ignoreNotFound(err)
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
