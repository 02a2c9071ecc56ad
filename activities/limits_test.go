package activities

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/google/uuid"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestInlineBytesLimit(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	t.Run("picture_waits_for_memory_without_calling_Google", func(t *testing.T) {
		if !c.InlineBytes.TryAcquire(InlineBytesLimit) {
			t.Fatal("the semaphore is not free at the start")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // instead of 54 s
		defer cancel()
		_, err := executeWithContext[AnnotateResult](ctx, t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes})
		if err == nil {
			t.Error("annotate succeeded")
		}
		c.checkNotBilled(t, 0)
	})
	t.Run("picture_of_unknown_size_waits_for_the_memory_of_the_largest", func(t *testing.T) {
		c.InlineBytes.Release(MaxInlineSize - 1)
		defer c.InlineBytes.TryAcquire(MaxInlineSize - 1)
		unknown := p
		unknown.Size = 0
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := executeWithContext[AnnotateResult](ctx, t, c, picture.AnnotateStep, AnnotateInput{Picture: unknown, Send: ByBytes})
		if e, ok := errors.AsType[*temporal.ApplicationError](err); !ok || !strings.Contains(e.Message(), "memory") {
			t.Errorf("got %v, want an error about memory", err)
		}
	})
	t.Run("picture_sent_by_URL_needs_no_memory", func(t *testing.T) {
		if _, err := c.annotate(t, p, ByURL); err != nil {
			t.Error(err)
		}
	})
	t.Run("memory_is_released_after_the_call", func(t *testing.T) {
		c.InlineBytes.Release(InlineBytesLimit)
		if _, err := c.annotate(t, p, ByBytes); err != nil {
			t.Error(err)
		}
		if !c.InlineBytes.TryAcquire(InlineBytesLimit) {
			t.Error("annotate did not release everything that it acquired")
		}
	})
}

func TestAnnotateNeedsTimeForTheCall(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	ctx, cancel := context.WithTimeout(t.Context(), minCallTime-time.Second)
	defer cancel()
	_, err := executeWithContext[AnnotateResult](ctx, t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByURL})
	checkFailure(t, err, picture.Unavailable)
	c.checkNotBilled(t, 0)
}

func TestCallThatIsTooLateTakesNoAnnotationOfTheDay(t *testing.T) {
	c := openClouds(t)
	c.DailyLimit.PerDay = 1
	in := AnnotateInput{Picture: c.uploadPhoto(t), Send: ByURL}
	ctx, cancel := context.WithTimeout(t.Context(), minCallTime-time.Second)
	defer cancel()
	if _, err := c.annotation(ctx, in, 1); err == nil {
		t.Fatal("Google was called")
	}
	if _, err := c.annotation(t.Context(), in, 1); err != nil {
		t.Error(err)
	}
}

func TestOnlyFailuresOfGoogleDelayAPictureByAnHour(t *testing.T) {
	err := &picture.Error{Kind: picture.Unavailable, Cloud: picture.AWS}
	if tryLessOften(err, frequentAttempts+1); err.RetryAfter != 0 {
		t.Errorf("the next attempt is after %v", err.RetryAfter)
	}
}

func TestPictureThatGoogleFailsToAnnotateIsTriedLessOften(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	for name, tt := range map[string]struct {
		fault   annotator.Fault
		attempt int32
		want    time.Duration
	}{
		"image_is_tried_each_minute_for_an_hour":     {annotator.Fault{ImageCode: codes.Internal}, 60, 0},
		"image_is_tried_each_hour_afterwards":        {annotator.Fault{ImageCode: codes.Internal}, 61, time.Hour},
		"answer_without_an_image_is_tried_each_hour": {annotator.Fault{Empty: true}, 61, time.Hour},
		"outage_of_Google_delays_no_attempt":         {annotator.Fault{Code: codes.Unavailable}, 61, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.google.SetFault(tt.fault)
			_, err := c.annotation(t.Context(), AnnotateInput{Picture: p, Send: ByURL}, tt.attempt)
			if e, ok := errors.AsType[*picture.Error](err); !ok || e.Kind != picture.Unavailable || e.RetryAfter != tt.want {
				t.Errorf("%+v, want an attempt after %v", err, tt.want)
			}
		})
	}
}

func TestMaxRecord(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	const margin = 64 // encoded times vary in length, because trailing zeros of the fraction are omitted
	for name, character := range map[string]string{"letters": "x", "characters_that_JSON_escapes": "<"} {
		empty, thousand := recordSize(t, p, ""), recordSize(t, p, strings.Repeat(character, 1000))
		bytesPerCharacter := (thousand - empty) / 1000
		t.Run("annotation_of_"+name+"_just_below_the_limit_is_stored", func(t *testing.T) {
			text := strings.Repeat(character, (maxRecord-margin-empty)/bytesPerCharacter)
			c.google.SetFault(annotator.Fault{Response: textResponse(text)})
			got, err := c.annotate(t, p, ByURL)
			if err != nil {
				t.Fatal(err)
			}
			checkPayloadSize(t, got)
			p := newPicture(t)
			r := p.AnnotatedRecord(got.Annotation, time.Now(), []picture.Step{got.Step, got.Step}, uuid.NewString())
			checkPayloadSize(t, r)
			if _, err := c.persist(t, r); err != nil {
				t.Fatal(err)
			}
			if decodeAnnotation(t, c.storedRecord(t, p.ID).Annotation).FullTextAnnotation.Text != text {
				t.Error("the stored text differs from Google's text")
			}
		})
		t.Run("annotation_of_"+name+"_just_above_the_limit_is_too_large", func(t *testing.T) {
			c.google.SetFault(annotator.Fault{Response: textResponse(strings.Repeat(character, (maxRecord+margin-empty)/bytesPerCharacter+1))})
			_, err := c.annotate(t, p, ByURL)
			checkFailure(t, err, picture.TooLarge)
		})
	}
	t.Run("annotation_above_gRPC's_default_limit_is_too_large", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Response: textResponse(strings.Repeat("x", 5<<20))})
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.TooLarge)
	})
}

func textResponse(text string) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{FullTextAnnotation: &visionpb.TextAnnotation{Text: text}}
}

func recordSize(t *testing.T, p picture.Picture, text string) int {
	t.Helper()
	annotation, err := protojson.Marshal(textResponse(text))
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	record, err := json.Marshal(p.AnnotatedRecord(annotation, noon, nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	return len(record)
}

// Temporal's default limit for a payload is 2 MiB (limit.blobSize.error).
func checkPayloadSize(t *testing.T, value any) {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		t.Fatal(err)
	}
	if payloads.Size() > 2<<20 {
		t.Errorf("the payload has %d bytes", payloads.Size())
	}
}
