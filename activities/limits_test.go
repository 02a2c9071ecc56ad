package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/google/uuid"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

// The local server refuses a request of more than 10,485,760 bytes as Google does, and that would be
// Misconfigured: a picture must never come that far.
func TestInlineLimit(t *testing.T) {
	c := open(t)
	largest := c.upload(t, somePicture(t), padded(t, MaxInlineSize))
	larger := c.upload(t, somePicture(t), padded(t, MaxInlineSize+1))
	t.Run("the_largest_picture_goes_by_bytes", func(t *testing.T) {
		got, err := c.annotate(t, largest, ByBytes)
		if err != nil {
			t.Fatal(err)
		}
		if len(decode(t, got).FaceAnnotations) != 1 {
			t.Errorf("faces: %v", decode(t, got).FaceAnnotations)
		}
	})
	t.Run("a_larger_one_waits_and_Google_is_not_asked", func(t *testing.T) {
		billed := c.google.Billed()
		_, err := c.annotate(t, larger, ByBytes)
		fails(t, err, picture.Unavailable)
		if got := c.google.Billed() - billed; got != 0 {
			t.Errorf("Google was asked %d times", got)
		}
	})
	t.Run("a_larger_one_goes_by_URL", func(t *testing.T) {
		got, err := c.annotate(t, larger, ByURL)
		if err != nil {
			t.Fatal(err)
		}
		if len(decode(t, got).FaceAnnotations) != 1 {
			t.Errorf("faces: %v", decode(t, got).FaceAnnotations)
		}
	})
	t.Run("a_larger_one_is_tried_by_URL_again_when_Google_cannot_fetch_it", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		_, err := c.annotate(t, larger, ByURL)
		fails(t, err, picture.Unavailable)
	})
	t.Run("one_that_is_larger_than_Google_takes_is_too_large_once_Google_could_not_look_at_it", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		beyond := larger
		beyond.Size = picture.MaxSize + 1
		_, err := c.annotate(t, beyond, ByURL)
		fails(t, err, picture.TooLarge)
	})
	t.Run("the_largest_picture_is_sent_along_when_Google_cannot_fetch_it", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		_, err := c.annotate(t, largest, ByURL)
		fails(t, err, picture.Unfetchable)
	})
}

func TestInlineRoom(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	full := func(env *testsuite.TestActivityEnvironment) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // of what would last for 50 s
		t.Cleanup(cancel)
		env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	}
	t.Run("a_picture_that_has_none_waits_and_Google_is_not_asked", func(t *testing.T) {
		if !c.InlineBytes.TryAcquire(InlineBytesLimit) {
			t.Fatal("there is no room to begin with")
		}
		if _, err := c.annotate(t, p, ByBytes, full); err == nil || c.google.Billed() != 0 {
			t.Errorf("Google was asked %d times: %v", c.google.Billed(), err)
		}
	})
	t.Run("by_URL_a_picture_needs_none", func(t *testing.T) {
		if _, err := c.annotate(t, p, ByURL); err != nil {
			t.Error(err)
		}
	})
	t.Run("is_given_back", func(t *testing.T) {
		c.InlineBytes.Release(InlineBytesLimit)
		if _, err := c.annotate(t, p, ByBytes); err != nil {
			t.Error(err)
		}
		if !c.InlineBytes.TryAcquire(InlineBytesLimit) {
			t.Error("some of it is gone")
		}
	})
}

// padded is the photograph in exactly size bytes: what follows a JPEG's end is not looked at.
func padded(t *testing.T, size int) []byte {
	t.Helper()
	p := photograph(t)
	return append(p, bytes.Repeat([]byte{0}, size-len(p))...)
}

// A JSON encoder writes some characters as more than there were, so it is the Record that has to be measured.
func TestResultLimit(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	const room = 64 // for the fraction of a second in the time, whose length differs
	for name, character := range map[string]string{"letters": "x", "signs_that_grow_sixfold": "<"} {
		empty, thousand := size(t, p, ""), size(t, p, strings.Repeat(character, 1000))
		each := (thousand - empty) / 1000
		t.Run("just_under_it_"+name+"_can_be_kept", func(t *testing.T) {
			text := strings.Repeat(character, (maxRecord-room-empty)/each)
			c.google.SetFault(annotator.Fault{Response: reads(text)})
			got, err := c.annotate(t, p, ByURL)
			if err != nil {
				t.Fatal(err)
			}
			fitsTemporal(t, got)
			p := somePicture(t)
			r := p.AnnotatedRecord(got.Annotation, time.Now(), []picture.Step{got.Step, got.Step}, uuid.NewString())
			fitsTemporal(t, r)
			if _, err := c.persist(t, r); err != nil {
				t.Fatal(err)
			}
			kept, _, err := c.Records.Read(t.Context(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			if decode(t, AnnotateResult{Annotation: kept.Annotation}).FullTextAnnotation.Text != text {
				t.Error("it came back as something else")
			}
		})
		t.Run("just_over_it_"+name+"_are_too_large", func(t *testing.T) {
			c.google.SetFault(annotator.Fault{Response: reads(strings.Repeat(character, (maxRecord+room-empty)/each+1))})
			_, err := c.annotate(t, p, ByURL)
			fails(t, err, picture.TooLarge)
		})
	}
	t.Run("beyond_gRPC's_own_limit_it_is_too_large_and_no_quota", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Response: reads(strings.Repeat("x", 5<<20))})
		_, err := c.annotate(t, p, ByURL)
		fails(t, err, picture.TooLarge)
	})
}

// reads is what Google answers when it found so much text.
func reads(text string) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{FullTextAnnotation: &visionpb.TextAnnotation{Text: text}}
}

// size is what p's Record takes with so much text in it.
func size(t *testing.T, p picture.Picture, text string) int {
	t.Helper()
	annotation, err := protojson.Marshal(reads(text))
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	record, err := records.Encode(p.AnnotatedRecord(json.RawMessage(annotation), noon, nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	return len(record)
}

// fitsTemporal checks that a server with default settings takes the value (limit.blobSize.error).
func fitsTemporal(t *testing.T, value any) {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		t.Fatal(err)
	}
	if payloads.Size() > 2<<20 {
		t.Errorf("Temporal would refuse its %d bytes", payloads.Size())
	}
}
