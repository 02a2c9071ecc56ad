package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/googleapis/gax-go/v2"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/telemetry"
	"triptych/internal/vision"
	"triptych/picture"
)

// Send is how Google gets the picture.
type Send string

const (
	ByURL   Send = "url"   // Google fetches the picture
	ByBytes Send = "bytes" // the worker reads the picture and sends it
)

// MaxInlineSize, in bytes, leaves 64 KiB for other fields, because Google limits a gRPC request to 10 MiB
// (github.com/GoogleCloudPlatform/dotnet-docs-samples/issues/845).
const MaxInlineSize = 10<<20 - 64<<10

// InlineBytesLimit is the number of picture bytes that a worker may send to Google at the same time. gRPC copies each
// picture, so the worker needs twice as much memory.
const InlineBytesLimit = 20 * MaxInlineSize

// maxRecord is in bytes and leaves 8 KiB for data that the workflow and Temporal add later.
const maxRecord = records.MaxSize - 8<<10

// minCallTime is left for the call to Google: a call that is cut off may cost money and has no result.
const minCallTime = 20 * time.Second

type AnnotateInput struct {
	Picture picture.Picture `json:"picture"`
	Send    Send            `json:"send"`
	SignedURL
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"` // annotate again if the Record is older
}

type AnnotateResult struct {
	ID         picture.ID      `json:"id"`
	Annotation json.RawMessage `json:"annotation"` // Google's AnnotateImageResponse as proto JSON
	Step       picture.Step    `json:"step"`
	Existing   picture.Status  `json:"existing,omitempty"` // status of an existing Record; Annotation and Step are then empty
}

// Annotate calls Google at most once per attempt, because each call may cost money.
func (a *Activities) Annotate(ctx context.Context, in AnnotateInput) (AnnotateResult, error) {
	ctx, stop := heartbeat(ctx)
	defer stop()
	// The timeout is shorter than Temporal's (StartToCloseTimeout, 60 s), whose error does not name the cloud.
	ctx, cancel := context.WithTimeout(ctx, 50*time.Second)
	defer cancel()

	started := time.Now().UTC()
	existing, err := a.existingRecord(ctx, in.Picture.ID)
	switch {
	case err != nil:
		return AnnotateResult{}, failure(err)
	case existing.Status == picture.Erased:
		return AnnotateResult{}, failure(&picture.Error{Kind: picture.WasErased, Message: "The owner erased the picture"})
	case existing.Status != "" && !existing.OlderThan(in.ReannotateBefore):
		return AnnotateResult{ID: in.Picture.ID, Existing: existing.Status}, nil
	}
	annotation, err := a.annotation(ctx, in, activity.GetInfo(ctx).Attempt)
	if err != nil {
		return AnnotateResult{}, failure(err)
	}
	return AnnotateResult{ID: in.Picture.ID, Annotation: annotation, Step: doneStep(ctx, picture.AnnotateStep, started)}, nil
}

// If Cosmos DB is unavailable, existingRecord asks Temporal: a picture that has an erase workflow counts as erased.
func (a *Activities) existingRecord(ctx context.Context, id picture.ID) (picture.Record, error) {
	readCtx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	record, _, err := a.Records.Read(readCtx, id)
	if err == nil || errors.Is(err, records.ErrNotFound) {
		return record, nil
	}
	// After ErrUnreadable, persist would fail too. After ErrUncertain, a Record may exist. Do not pay Google.
	if errors.Is(err, records.ErrUnreadable) || errors.Is(err, records.ErrUncertain) {
		return picture.Record{}, records.Explain(err)
	}
	_, err = activity.GetClient(ctx).DescribeWorkflowExecution(ctx, id.EraseWorkflowID(), "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return picture.Record{}, nil
	}
	return picture.Tombstone(id), explainTemporal(err)
}

var billedAnnotations = telemetry.Counter("triptych.annotations.billed", "{annotation}", "calls to Google for which it may charge")

func (a *Activities) annotation(ctx context.Context, in AnnotateInput, attempt int32) (json.RawMessage, error) {
	if in.Send == ByBytes {
		size := min(in.Picture.Size, MaxInlineSize)
		if err := a.InlineBytes.Acquire(ctx, size); err != nil {
			return nil, &picture.Error{Kind: picture.Unavailable, Err: err, Message: "The worker is sending as many pictures as its memory allows"}
		}
		defer a.InlineBytes.Release(size)
	}
	source, err := a.image(ctx, in)
	if err != nil {
		return nil, err
	}
	refund, err := a.DailyLimit.Take(ctx, time.Now)
	if err != nil {
		return nil, err
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < minCallTime {
		refund()
		return nil, &picture.Error{Kind: picture.Unavailable,
			Message: "The worker needed more than 30 seconds before it could call Google: check how fast S3 and Cosmos DB answer, and whether many pictures are sent as bytes"}
	}
	billed := true
	defer func() {
		if billed {
			billedAnnotations.Add(ctx, 1)
		} else {
			refund()
		}
	}()
	var server peer.Peer
	var trailer metadata.MD
	response, err := a.Vision.BatchAnnotateImages(ctx, a.request(source), gax.WithGRPCOptions(grpc.Peer(&server), grpc.Trailer(&trailer)))
	if err != nil {
		// Google charges nothing for a call that was never sent (no server address) or that it answered with an error
		// (a trailer). A call whose response was lost may cost money, so it gets no refund.
		billed = server.Addr != nil && len(trailer) == 0
		return nil, vision.Explain(err)
	}
	image, err := onlyImage(response)
	if err != nil {
		return nil, err
	}
	if s := image.GetError(); s.GetCode() != int32(codes.OK) {
		if proto.Equal(image, &visionpb.AnnotateImageResponse{Error: s}) { // without any billed annotation
			billed = false
			return nil, delayHopeless(a.explainImage(ctx, in, s, attempt), attempt)
		}
		// "Filled-in image annotations are guaranteed to be correct, even when error is set", and another call would cost
		// money again. Details are not stored, because the worker may not know their types.
		slog.Warn("Google returned annotations and an error; the annotations are kept", "picture", in.Picture.ID, "error", vision.ExplainImage(s, in.Send == ByBytes).Err)
		image.Error = &statuspb.Status{Code: s.GetCode(), Message: picture.Redact(s.GetMessage())}
	}
	if in.Send == ByURL {
		if err := a.awaitUnchanged(ctx, in.Picture); err != nil { // Google may have fetched another object
			return nil, err
		}
	}
	return encodeAnnotation(image, in)
}

func onlyImage(r *visionpb.BatchAnnotateImagesResponse) (*visionpb.AnnotateImageResponse, error) {
	if n := len(r.Responses); n != 1 {
		return nil, &picture.Error{Kind: picture.Unavailable, Cloud: picture.Google, Message: fmt.Sprintf("Google returned %d annotations for one picture", n)}
	}
	return r.Responses[0], nil
}

func (a *Activities) request(source *visionpb.Image) *visionpb.BatchAnnotateImagesRequest {
	return &visionpb.BatchAnnotateImagesRequest{
		Parent:   a.VisionParent,
		Requests: []*visionpb.AnnotateImageRequest{{Image: source, Features: a.Features}},
	}
}

func (a *Activities) image(ctx context.Context, in AnnotateInput) (_ *visionpb.Image, err error) {
	if in.Send == ByBytes {
		content, err := a.read(ctx, in.Picture)
		return &visionpb.Image{Content: content}, err
	}
	if err := a.checkUnchanged(ctx, in.Picture); err != nil {
		return nil, err
	}
	signed := in.SignedURL
	// Sign again if the URL expires soon or belongs to another picture.
	if time.Until(signed.ExpiresAt) < minURLTTL/2 || signed.ID != in.Picture.ID {
		if signed, err = a.sign(ctx, in.Picture); err != nil {
			return nil, err
		}
	}
	return &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: signed.URL}}, nil
}

// checkUnchanged prevents the annotation of another object from being stored for p. In a bucket with versioning, the version ID does.
func (a *Activities) checkUnchanged(ctx context.Context, p picture.Picture) error {
	if p.VersionID != "" {
		return nil
	}
	_, err := a.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: ifMatch(p)})
	if err != nil {
		return objects.Explain(err)
	}
	return nil
}

// awaitUnchanged repeats checkUnchanged while S3 is unavailable, because Google's answer is already paid for.
func (a *Activities) awaitUnchanged(ctx context.Context, p picture.Picture) error {
	for {
		err := a.checkUnchanged(ctx, p)
		if e, ok := errors.AsType[*picture.Error](err); !ok || !e.Kind.Retries() {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

func ifMatch(p picture.Picture) *string {
	if p.VersionID != "" || p.ETag == "" {
		return nil
	}
	return aws.String(`"` + p.ETag + `"`)
}

func (a *Activities) read(ctx context.Context, p picture.Picture) ([]byte, error) {
	get := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, IfMatch: ifMatch(p)}
	if p.VersionID != "" {
		get.VersionId = &p.VersionID
	}
	object, err := a.S3.GetObject(ctx, get)
	if err != nil {
		return nil, objects.Explain(err)
	}
	defer object.Body.Close()
	size := aws.ToInt64(object.ContentLength)
	if size > MaxInlineSize {
		return nil, tooLargeToSend(p)
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(object.Body, content); err != nil {
		return nil, objects.Explain(err)
	}
	return content, nil
}

func encodeAnnotation(image *visionpb.AnnotateImageResponse, in AnnotateInput) (json.RawMessage, error) {
	annotation, err := protojson.Marshal(image)
	if err != nil {
		return nil, fmt.Errorf("encoding Google's annotation: %w", err)
	}
	// Measure the encoded Record, not Google's annotation: JSON encoding turns each <, > and & into six bytes.
	record, err := json.Marshal(in.Picture.AnnotatedRecord(annotation, time.Now(), nil, ""))
	if err != nil {
		return nil, fmt.Errorf("encoding the Record: %w", err)
	}
	if len(record) > maxRecord {
		return nil, &picture.Error{Kind: picture.TooLarge, Message: fmt.Sprintf(
			"Google's annotation is too large: the Record would have %d bytes, and the limit is %d", len(record), maxRecord)}
	}
	return annotation, nil
}

func (a *Activities) explainImage(ctx context.Context, in AnnotateInput, s *statuspb.Status, attempt int32) error {
	explained := vision.ExplainImage(s, in.Send == ByBytes)
	if explained.Kind != picture.Unfetchable || in.Picture.Size <= MaxInlineSize {
		return explained // after Unfetchable, the workflow sends the bytes
	}
	if final := vision.ExplainImage(s, true); final.Kind == picture.BadImage {
		if attempt == 1 { // Google may be wrong about the URL of a good picture (explain.go in internal/vision)
			explained.Kind = picture.Unavailable
			return explained
		}
		return final
	}
	_, err := a.read(ctx, in.Picture) // the picture is too large, or no longer in S3
	return cmp.Or(err, error(explained))
}

// After 60 attempts (about an hour, attempts during an outage included), a picture that Google fails to annotate is tried once an hour.
// Otherwise, it would take one call a minute from other pictures until S3 deletes it.
const hopelessAttempts = 60

func delayHopeless(err error, attempt int32) error {
	if e, ok := errors.AsType[*picture.Error](err); ok && e.Kind == picture.Unavailable && e.Cloud == picture.Google && attempt > hopelessAttempts {
		e.RetryAfter = time.Hour
	}
	return err
}

func tooLargeToSend(p picture.Picture) *picture.Error {
	if p.Size > picture.MaxSize {
		return &picture.Error{Kind: picture.TooLarge,
			Message: fmt.Sprintf("The picture has %d bytes, and Google accepts at most %d", p.Size, picture.MaxSize)}
	}
	return &picture.Error{Kind: picture.Unavailable, Cloud: picture.Google, Message: fmt.Sprintf(
		"Google could not fetch the picture by its URL, and its %d bytes exceed the %d that can be sent: make the bucket reachable for Google", p.Size, MaxInlineSize)}
}
