package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/picture"
)

// looksAtOnce is how many objects of a page are looked at together.
const looksAtOnce = 16

// openRuns is how many pictures a backfill lets wait at a time: enough to keep every worker busy, few enough that
// Temporal's database does not fill with them.
const openRuns = 1000

// SweptPage is what came of one page.
type SweepResult struct {
	picture.SweepCounts
	Last string `json:"last,omitempty"` // key that the next page comes after; "" when this was the last
	Full bool   `json:"full,omitempty"` // so many runs are open that nothing was looked at
}

// Sweep looks through one page of a bucket and starts what has neither a Record nor a run, or what is to be annotated
// again. Doing a page twice does no harm.
func (a *Activities) Sweep(ctx context.Context, s picture.Sweep) (SweepResult, error) {
	ctx, stop := heartbeat(ctx)
	defer stop()
	if s.LowPriority() {
		if full, err := a.full(ctx); full || err != nil {
			return SweepResult{Full: full}, err
		}
	}
	in := &s3.ListObjectsV2Input{
		Bucket: aws.String(cmp.Or(s.Bucket, a.Bucket)), Prefix: aws.String(s.Prefix), StartAfter: aws.String(s.After),
	}
	if !s.Backfill() {
		in.Prefix = aws.String(picture.Prefix)
	}
	page, err := a.S3.ListObjectsV2(ctx, in)
	if err != nil {
		return SweepResult{}, failure(sweepFailure(err))
	}
	came, err := a.startMissing(ctx, s, *in.Bucket, page.Contents)
	if err != nil {
		return SweepResult{}, failure(err)
	}
	swept := SweepResult{SweepCounts: came}
	if aws.ToBool(page.IsTruncated) {
		swept.Last = aws.ToString(page.Contents[len(page.Contents)-1].Key)
	}
	return swept, nil
}

func (a *Activities) startMissing(ctx context.Context, s picture.Sweep, bucket string, objects []types.Object) (picture.SweepCounts, error) {
	var started, left atomic.Int64
	var group errgroup.Group // without a context of its own: one that fails keeps no other from being started
	group.SetLimit(looksAtOnce)
	for _, object := range objects {
		key := aws.ToString(object.Key)
		if _, _, err := picture.ParseKey(key); err != nil && !s.Backfill() {
			continue // not uploaded through the site
		}
		group.Go(func() error {
			missing, err := a.startIfMissing(ctx, s, bucket, key)
			if why, out := errors.AsType[*leftOut](err); out {
				left.Add(1)
				activity.GetLogger(ctx).Warn("an object is left out of the sweep", "key", redact(key), "why", redact(why.Error()))
				return nil
			}
			if missing {
				started.Add(1)
			}
			return err
		})
	}
	err := group.Wait()
	return picture.SweepCounts{Examined: len(objects), Started: int(started.Load()), Skipped: int(left.Load())}, err
}

// leftOut is why one object can never be looked at. A sweep that waited for it would find nothing else any more.
type leftOut struct{ why error }

func (e *leftOut) Error() string { return e.why.Error() }

func (a *Activities) startIfMissing(ctx context.Context, s picture.Sweep, bucket, key string) (bool, error) {
	id, _, foreign := picture.ParseKey(key)
	if foreign == nil { // the key tells the ID, and nearly all have their Record: S3 need not be asked
		if missing, err := a.missing(ctx, s, id); !missing || err != nil {
			return false, err
		}
	}
	head, err := a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if _, gone := errors.AsType[*types.NotFound](err); gone {
		return false, nil // deleted since it was listed
	}
	if err != nil {
		return false, headFailure(s, err)
	}
	p, err := picture.New(bucket, key, aws.ToString(head.VersionId), aws.ToString(head.ETag),
		aws.ToInt64(head.ContentLength), aws.ToTime(head.LastModified))
	if err != nil {
		return false, &leftOut{err}
	}
	if foreign != nil { // the ID is made of the version
		if missing, err := a.missing(ctx, s, p.ID); !missing || err != nil {
			return false, err
		}
	}
	urgency := pipeline.SweepPriority
	if s.LowPriority() {
		urgency = pipeline.BackfillPriority
	}
	return true, pipeline.Start(ctx, activity.GetClient(ctx), picture.Order{Picture: p, ReannotateBefore: s.Began}, urgency)
}

// missing says that the picture has no Record, or one that this sweep replaces; or that it was erased and has its object
// all the same, brought by an upload that took longer than its grant: its run deletes that.
func (a *Activities) missing(ctx context.Context, s picture.Sweep, id picture.ID) (bool, error) {
	kept, _, err := a.Records.Read(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		return true, nil
	}
	if errors.Is(err, records.ErrUnreadable) {
		return false, &leftOut{err}
	}
	if err != nil {
		return false, explain(cosmosDB, err)
	}
	return kept.Status == picture.Erased || kept.OlderThan(s.Began), nil
}

// full says whether what is annotated behind live pictures should wait. Temporal counts a moment behind, which a page of pictures may exceed.
func (a *Activities) full(ctx context.Context) (bool, error) {
	count, err := activity.GetClient(ctx).CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: activity.GetInfo(ctx).Namespace,
		Query:     fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", picture.AnnotateWorkflow),
	})
	if err != nil {
		return false, ignoreNotFound(err)
	}
	return count.Count >= openRuns, nil
}

// headFailure is S3's refusal to tell of one object. Its answer has no body, so its codes are those of HTTP. An object
// that is encrypted with its owner's key is BadRequest for everyone; of one in another's bucket the role may know nothing.
func headFailure(s picture.Sweep, err error) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if ok && (answer.ErrorCode() == "BadRequest" || answer.ErrorCode() == "Forbidden" && s.Backfill()) {
		return &leftOut{explain(s3API, err)}
	}
	return sweepFailure(err)
}

// sweepFailure is never a verdict: what rejects a picture only interrupts a sweep.
func sweepFailure(err error) *picture.Error {
	meaning := explain(s3API, err)
	if !meaning.Kind.Retries() {
		meaning.Kind = picture.Misconfigured
	}
	return meaning
}
