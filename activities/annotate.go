package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/activity"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/records"
	"triptych/picture"
)

// Send is how Google gets to see the picture.
type Send string

// By URL Google fetches the picture itself; by bytes the worker reads it and passes it in.
const (
	ByURL   Send = "url"
	ByBytes Send = "bytes"
)

// MaxInlineSize is the largest picture that can be sent by bytes. Google's front refuses a gRPC request over
// 10,485,760 bytes with INVALID_ARGUMENT "Request payload size exceeds the limit"
// (github.com/GoogleCloudPlatform/dotnet-docs-samples/issues/845; Vision's documented "JSON request object
// size" of 10 MB is the same limit); 64 KiB are left for the rest of the request. A larger picture can only
// be fetched by Google, so when Google cannot, it waits and is tried by URL again.
const MaxInlineSize = 10<<20 - 64<<10

// InlineBytesLimit is how many bytes of pictures a worker should hold at once; each stands in memory twice, once as gRPC sends it.
const InlineBytesLimit = 20 * MaxInlineSize

// maxRecord is the largest Record that is let through, in bytes of JSON. Both Cosmos DB, as an item, and
// Temporal, as a payload (limit.blobSize.error, 2 MiB), have to take it; 8 KiB are left for the run ID, the
// times and Temporal's envelope, which are not known yet when it is measured.
const maxRecord = records.MaxSize - 8<<10

// callTimeout ends an attempt a little before Temporal would, with a better reason; lookTimeout is what a look for a
// Record may take of it.
const (
	callTimeout = 50 * time.Second
	lookTimeout = 2 * time.Second
)

// AnnotateInput is one way to show Google one picture.
type AnnotateInput struct {
	Picture picture.Picture `json:"picture"`
	Send    Send            `json:"send"`
	SignedURL
	// Again has the picture shown although it has a Record, if that is from before.
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
}

// Annotated is Google's answer, an AnnotateImageResponse as proto JSON, and how it was come by; or, when Google was not
// asked because the picture has its Record already, Kept is that Record's status.
type AnnotateResult struct {
	Annotation json.RawMessage `json:"annotation"`
	Step       picture.Step    `json:"step"`
	Kept       picture.Status  `json:"kept,omitempty"`
}

// Annotate has Google look at a picture, once per attempt; each attempt that is answered is billed, and none is made
// for a picture that has its Record or was erased. It never changes anything.
func (a *Activities) Annotate(ctx context.Context, in AnnotateInput) (AnnotateResult, error) {
	ctx, stop := heartbeat(ctx)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	started := time.Now().UTC()
	switch kept, err := a.kept(ctx, in.Picture.ID); {
	case err != nil:
		return AnnotateResult{}, err
	case kept.Status == picture.Erased:
		return AnnotateResult{}, failure(&picture.Error{Kind: picture.WasErased, Message: "the picture was erased by its owner; Google is not asked"})
	case kept.Status != "" && !kept.OlderThan(in.ReannotateBefore):
		return AnnotateResult{Kept: kept.Status}, nil
	}
	if in.Send == ByBytes {
		room := min(in.Picture.Size, MaxInlineSize)
		if err := a.InlineBytes.Acquire(ctx, room); err != nil {
			return AnnotateResult{}, failure(&picture.Error{Kind: picture.Unavailable,
				Message: "The worker holds as many pictures as it has room for; this one is tried again", Err: err})
		}
		defer a.InlineBytes.Release(room)
	}
	image, err := a.image(ctx, in)
	if err != nil {
		return AnnotateResult{}, failure(err)
	}
	answer, err := a.Vision.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{
		Requests: []*visionpb.AnnotateImageRequest{{Image: image, Features: a.Features}},
	})
	if err != nil {
		return AnnotateResult{}, failure(explain(visionRPC, err))
	}
	annotation, err := annotation(answer, in)
	if err != nil {
		return AnnotateResult{}, failure(err)
	}
	return AnnotateResult{Annotation: annotation, Step: done(ctx, picture.AnnotateStep, started)}, nil
}

// image is the picture as Google shall get it.
func (a *Activities) image(ctx context.Context, in AnnotateInput) (*visionpb.Image, error) {
	if in.Send == ByBytes {
		content, err := a.read(ctx, in.Picture)
		return &visionpb.Image{Content: content}, err
	}
	signed := in.SignedURL
	// A retry repeats its input, and a long queue outlives any URL. It is signed again here, for a picture that
	// went back to be signed would go to the end of the queue and find its URL expired again.
	if time.Until(signed.ExpiresAt) < minURLTTL/2 {
		var err error
		if signed, err = a.sign(ctx, in.Picture); err != nil {
			return nil, err
		}
	}
	return &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: signed.URL}}, nil
}

// read takes the object version whole into memory, but never more than can be sent.
func (a *Activities) read(ctx context.Context, p picture.Picture) ([]byte, error) {
	get := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}
	if p.VersionID != "" {
		get.VersionId = &p.VersionID
	}
	object, err := a.S3.GetObject(ctx, get)
	if err != nil {
		return nil, explain(s3API, err)
	}
	defer object.Body.Close()
	var content bytes.Buffer
	content.Grow(int(min(p.Size, MaxInlineSize)) + bytes.MinRead)
	if _, err := content.ReadFrom(io.LimitReader(object.Body, MaxInlineSize+1)); err != nil {
		return nil, explain(s3API, err)
	}
	if content.Len() > MaxInlineSize {
		return nil, tooLargeToSend(p)
	}
	return content.Bytes(), nil
}

// annotation takes the one picture's answer out of the batch and makes sure that it can be kept.
func annotation(answer *visionpb.BatchAnnotateImagesResponse, in AnnotateInput) (json.RawMessage, error) {
	if len(answer.Responses) != 1 {
		return nil, &picture.Error{Kind: picture.Unavailable,
			Message: fmt.Sprintf("Google answered one picture with %d annotations; it is asked again", len(answer.Responses))}
	}
	response := answer.Responses[0]
	if s := response.GetError(); s.GetCode() != int32(codes.OK) {
		return nil, imageFailure(in, &imageError{codes.Code(s.Code), s.Message})
	}
	annotation, err := protojson.Marshal(response)
	if err != nil {
		return nil, fmt.Errorf("encoding Google's annotation: %w", err)
	}
	return annotation, fits(in.Picture, annotation)
}

// imageFailure is what an error for the image means. Pictures too large to be sent by bytes cannot be tried that way.
func imageFailure(in AnnotateInput, err *imageError) error {
	meaning := explain(visionImage(in.Send), err)
	if meaning.Kind != picture.Unfetchable || in.Picture.Size <= MaxInlineSize {
		return meaning
	}
	if certain := explain(visionByBytes, err); certain.Kind == picture.BadImage {
		return certain // there is no second look to be had
	}
	return tooLargeToSend(in.Picture)
}

// fits measures the Record as Temporal and Cosmos DB will be sent it: JSON in JSON grows by escaping.
func fits(p picture.Picture, annotation json.RawMessage) error {
	record, err := records.Encode(p.AnnotatedRecord(annotation, time.Now(), nil, ""))
	if err != nil {
		return err
	}
	if len(record) > maxRecord {
		return &picture.Error{Kind: picture.TooLarge,
			Message: fmt.Sprintf("Google found so much in this picture that its Record would take %d bytes; at most %d can be kept", len(record), maxRecord)}
	}
	return nil
}

// tooLargeToSend is a verdict only on what Google would not take from anywhere.
func tooLargeToSend(p picture.Picture) *picture.Error {
	if p.Size > picture.MaxSize {
		return &picture.Error{Kind: picture.TooLarge,
			Message: fmt.Sprintf("Google could not look at this picture of %d bytes, and takes only %d", p.Size, picture.MaxSize)}
	}
	return &picture.Error{Kind: picture.Unavailable,
		Message: fmt.Sprintf("Google could not fetch the picture by its URL, and its %d bytes are more than the %d that can be sent along: make the bucket reachable for Google; the picture waits", p.Size, MaxInlineSize)}
}

// done is the step as the Record will tell it.
func done(ctx context.Context, name picture.StepName, started time.Time) picture.Step {
	return picture.Step{Name: name, Cloud: name.Cloud(), Status: picture.StepDone,
		Attempt: int(activity.GetInfo(ctx).Attempt), StartedAt: started, FinishedAt: time.Now().UTC()}
}
