package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
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

	"triptych/internal/records"
	"triptych/internal/telemetry"
	"triptych/internal/vision"
	"triptych/picture"
)

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
		size := min(cmp.Or(in.Picture.Size, MaxInlineSize), MaxInlineSize) // the event may have no size
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
	image, billed, err := a.callGoogle(ctx, source, attempt)
	if billed {
		billedAnnotations.Add(ctx, 1)
	} else {
		refund()
	}
	if err != nil {
		return nil, err
	}
	switch s := image.GetError(); {
	case !billed:
		return nil, tryLessOften(a.explainImage(ctx, in, s), attempt)
	case s.GetCode() != int32(codes.OK):
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

// callGoogle also returns whether Google may charge for the call.
func (a *Activities) callGoogle(ctx context.Context, source *visionpb.Image, attempt int32) (image *visionpb.AnnotateImageResponse, billed bool, err error) {
	var server peer.Peer
	var trailer metadata.MD
	response, err := a.Vision.BatchAnnotateImages(ctx, a.request(source), gax.WithGRPCOptions(grpc.Peer(&server), grpc.Trailer(&trailer)))
	if err != nil {
		// Google charges nothing for a call that was never sent (no server address) or that it answered with an error
		// (a trailer). A call whose response was lost may cost money, so it gets no refund.
		return nil, server.Addr != nil && len(trailer) == 0, vision.Explain(err)
	}
	if image, err = onlyImage(response); err != nil {
		return nil, true, tryLessOften(err, attempt)
	}
	s := image.GetError()
	withoutAnnotation := s.GetCode() != int32(codes.OK) && proto.Equal(image, &visionpb.AnnotateImageResponse{Error: s})
	return image, !withoutAnnotation, nil
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

func (a *Activities) explainImage(ctx context.Context, in AnnotateInput, s *statuspb.Status) error {
	explained := vision.ExplainImage(s, in.Send == ByBytes)
	if explained.Kind != picture.Unfetchable || in.Picture.Size <= MaxInlineSize {
		return explained // after Unfetchable, the workflow sends the bytes
	}
	if final := vision.ExplainImage(s, true); final.Kind == picture.BadImage {
		// Google may be wrong about the URL of a good picture (explain.go in internal/vision), so it must say so twice. The heartbeat
		// tells the next attempt. The number of the attempt would include those that failed for another reason.
		if !activity.HasHeartbeatDetails(ctx) {
			activity.RecordHeartbeat(ctx, final.Kind)
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
const frequentAttempts = 60

func tryLessOften(err error, attempt int32) error {
	if e, ok := errors.AsType[*picture.Error](err); ok && e.Kind == picture.Unavailable && e.Cloud == picture.Google && attempt > frequentAttempts {
		e.RetryAfter = time.Hour
	}
	return err
}
