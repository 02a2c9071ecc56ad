package activities

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/telemetry"
	"triptych/picture"
)

// 1,000 open workflows keep all workers busy.
const maxOpenWorkflows = 1000

type SweepResult struct {
	picture.SweepCounts
	Last string `json:"last,omitempty"` // last key of the page; "" if this was the last page
	Full bool   `json:"full,omitempty"` // too many workflows are open, so nothing was examined
}

// SweepPage lists one page of a bucket and starts a workflow for each object without a Record, and for each object that remains of an
// erased picture, so that it is deleted. With s.Reannotate, it also starts one for each object whose Record was written before the
// sweep started.
func (a *Activities) SweepPage(ctx context.Context, s picture.Sweep) (SweepResult, error) {
	ctx, stop := heartbeat(ctx)
	defer stop()
	if s.Invalid != "" {
		return SweepResult{}, temporal.NewNonRetryableApplicationError(invalidSweep, string(picture.Misconfigured), picture.Cause(errors.New(s.Invalid)))
	}
	if strings.ContainsAny(s.Bucket, ":/") { // with an ARN or a URL, the SDK fails without an answer of S3, as if S3 were down
		return SweepResult{}, temporal.NewNonRetryableApplicationError(unlistable["InvalidBucketName"], string(picture.Misconfigured), picture.Cause(errors.New(s.Bucket)))
	}
	in := &s3.ListObjectsV2Input{
		Bucket: aws.String(cmp.Or(s.Bucket, a.Bucket)), Prefix: aws.String(s.Prefix), StartAfter: aws.String(s.After),
	}
	if s.LowPriority() {
		limit := min(maxOpenWorkflows, (a.DailyLimit.PerDay+1)/2) // the site refuses uploads while PerDay workflows are open
		open, err := pipeline.CountOpen(ctx, activity.GetClient(ctx))
		if open >= int64(limit) || err != nil {
			return SweepResult{Full: true}, failure(explainTemporal(err))
		}
		in.MaxKeys = aws.Int32(int32(limit) - int32(open))
	}
	if !s.Backfill() {
		in.Prefix = aws.String(picture.Prefix)
	}
	page, err := objects.Lister{Client: a.S3}.ListObjectsV2(ctx, in)
	if err != nil {
		return SweepResult{}, explainListing(s, err)
	}
	counts, err := a.startAll(ctx, s, *in.Bucket, page.Contents)
	if err != nil {
		return SweepResult{}, failure(err)
	}
	result := SweepResult{SweepCounts: counts}
	if aws.ToBool(page.IsTruncated) {
		result.Last = aws.ToString(page.Contents[len(page.Contents)-1].Key)
	}
	return result, nil
}

func (a *Activities) startAll(ctx context.Context, s picture.Sweep, bucket string, page []types.Object) (picture.SweepCounts, error) {
	var started, skipped atomic.Int64
	var group errgroup.Group // without a context: an error must not prevent the start of other pictures
	group.SetLimit(16)
	for _, object := range page {
		key := aws.ToString(object.Key)
		if _, _, err := picture.ParseKey(key); err != nil && !s.Backfill() {
			continue // not uploaded through the site
		}
		if !s.Selects(aws.ToTime(object.LastModified)) {
			continue
		}
		group.Go(func() error {
			isStarted, err := a.startIfNeeded(ctx, s, bucket, key)
			if skip, ok := errors.AsType[skipError](err); ok {
				skipped.Add(1)
				activity.GetLogger(ctx).Warn("object skipped by the sweep", "key", key, "error", skip.error)
				return nil
			}
			if isStarted {
				started.Add(1)
			}
			return err
		})
	}
	err := group.Wait()
	return picture.SweepCounts{Examined: len(page), Started: int(started.Load()), Skipped: int(skipped.Load())}, err
}

// skipError makes the sweep skip an object, because retrying forever would prevent the sweep from finishing.
type skipError struct{ error }

func (a *Activities) startIfNeeded(ctx context.Context, s picture.Sweep, bucket, key string) (bool, error) {
	var existing picture.Status
	var needed bool
	id, _, parseErr := picture.ParseKey(key)
	ctx = telemetry.WithPicture(ctx, id) // one span per picture of a bucket would be too many
	if parseErr == nil {                 // the ID is in the key; most pictures have a Record, so this saves a request to S3
		var err error
		if existing, needed, err = a.needsWorkflow(ctx, s, id); !needed || err != nil {
			return false, err
		}
	}
	head, err := a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if objects.Code(err) == "NotFound" {
		return false, nil // deleted after the listing
	}
	if err != nil {
		return false, explainHead(s, err)
	}
	p, err := picture.New(bucket, key, aws.ToString(head.VersionId), aws.ToString(head.ETag),
		aws.ToInt64(head.ContentLength), aws.ToTime(head.LastModified))
	if err != nil {
		return false, skipError{err}
	}
	if parseErr != nil { // the ID depends on the version
		if existing, needed, err = a.needsWorkflow(ctx, s, p.ID); !needed || err != nil {
			return false, err
		}
	}
	if archived(head) && existing != picture.Erased { // an archived object can be deleted, but not read
		return false, skipError{&picture.Error{Kind: picture.Misconfigured, Message: objects.Archived}}
	}
	priority := pipeline.SweepPriority
	if s.LowPriority() {
		priority = pipeline.BackfillPriority
	}
	ctx, root := telemetry.StartPicture(ctx, p.ID)
	err = pipeline.Start(ctx, activity.GetClient(ctx), picture.Order{Picture: p, ReannotateBefore: s.Began}, priority)
	if err == nil && existing == "" && p.ID.CreatedAt().IsZero() { // web did not create the picture
		root.End()
	}
	return true, pipeline.Explain(err)
}

// needsWorkflow reports whether to start the picture's workflow. It also returns the status of the Record, or "" if none exists.
func (a *Activities) needsWorkflow(ctx context.Context, s picture.Sweep, id picture.ID) (picture.Status, bool, error) {
	existing, _, err := a.Records.Read(ctx, id)
	switch {
	case errors.Is(err, records.ErrNotFound):
		return "", true, nil
	case errors.Is(err, records.ErrUnreadable):
		return "", false, skipError{err}
	case err != nil:
		return "", false, records.Explain(err)
	}
	return existing.Status, existing.Status == picture.Erased || existing.OlderThan(s.Began), nil // Erased: the workflow deletes the object
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
func archived(head *s3.HeadObjectOutput) bool {
	switch head.StorageClass {
	case types.StorageClassGlacier, types.StorageClassDeepArchive:
		return !strings.Contains(aws.ToString(head.Restore), `ongoing-request="false"`) // no restored copy exists
	}
	return head.ArchiveStatus != "" // a restore ends the archive tiers of INTELLIGENT_TIERING
}

// explainHead skips an object encrypted with a customer-provided key (SSE-C), for which S3 answers BadRequest. In a backfill it also
// skips an object that the worker may not read, because a bucket policy may deny single objects.
func explainHead(s picture.Sweep, err error) error {
	if code := objects.Code(err); code == "BadRequest" || code == "Forbidden" && s.Backfill() {
		return skipError{objects.Explain(err)}
	}
	return explainSweep(err)
}

const invalidSweep = "The sweep's input has an unknown key or an invalid value: start the sweep again with the keys " + picture.SweepKeys

const otherRegion = "The bucket is in another region: a sweep reads only buckets in AWS_REGION"

// The messages are about the bucket in the sweep's input.
var unlistable = map[string]string{
	"NoSuchBucket":      `The bucket does not exist: correct "bucket" in the sweep's input and start the sweep again`,
	"InvalidBucketName": `The name of the bucket is invalid: correct "bucket" in the sweep's input and start the sweep again`,
	"PermanentRedirect": otherRegion, "AuthorizationHeaderMalformed": otherRegion, "IllegalLocationConstraintException": otherRegion,
}

// A sweep whose bucket cannot be listed fails instead of waiting: no picture depends on it, and the schedule or the
// operator starts the next one.
func explainListing(s picture.Sweep, err error) error {
	explained := objects.Explain(err)
	message, ends := unlistable[objects.Code(err)]
	if !ends {
		return failure(explainSweep(err))
	}
	if s.Bucket == "" {
		message = explained.Message
	}
	return temporal.NewNonRetryableApplicationError(message, string(picture.Misconfigured), picture.Cause(explained.Err))
}

// explainSweep makes every S3 error retryable, so that a sweep waits for the operator instead of failing.
func explainSweep(err error) *picture.Error {
	explained := objects.Explain(err)
	if !explained.Kind.Retries() {
		explained.Kind = picture.Misconfigured
	}
	return explained
}
