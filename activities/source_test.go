package activities

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestMaxInlineSize(t *testing.T) {
	c := openClouds(t)
	largest := c.upload(t, newPicture(t), paddedPhoto(t, MaxInlineSize))
	larger := c.upload(t, newPicture(t), paddedPhoto(t, MaxInlineSize+1))
	checkOneFace := func(t *testing.T, p picture.Picture, send Send) {
		t.Helper()
		got, err := c.annotate(t, p, send)
		if err != nil {
			t.Fatal(err)
		}
		if faces := decodeAnnotation(t, got.Annotation).FaceAnnotations; len(faces) != 1 {
			t.Errorf("faces: %v", faces)
		}
	}
	t.Run("picture_of_the_maximum_size_is_sent_as_bytes", func(t *testing.T) { checkOneFace(t, largest, ByBytes) })
	t.Run("larger_picture_is_retried_without_calling_Google", func(t *testing.T) {
		before := c.google.Billed()
		_, err := c.annotate(t, larger, ByBytes)
		checkFailure(t, err, picture.Unavailable)
		c.checkNotBilled(t, before)
	})
	t.Run("larger_picture_whose_event_has_no_size_is_reported_with_its_size", func(t *testing.T) {
		unknown := larger
		unknown.Size = 0
		_, err := c.annotate(t, unknown, ByBytes)
		if e := checkFailure(t, err, picture.Unavailable); !strings.Contains(e.Message(), fmt.Sprintf("its %d bytes", larger.Size)) {
			t.Errorf("message %q", e.Message())
		}
	})
	for name, test := range map[string]func(t *testing.T){
		"picture_is_sent_as_bytes": func(t *testing.T) { checkOneFace(t, largest, ByBytes) },
		"larger_picture_is_retried": func(t *testing.T) {
			_, err := c.annotate(t, larger, ByBytes)
			checkFailure(t, err, picture.Unavailable)
		},
	} {
		t.Run(name+"_if_S3's_response_has_no_Content-Length", func(t *testing.T) {
			client := c.S3
			defer func() { c.S3 = client }()
			c.changeResponses(t, http.MethodGet, func(r *http.Response) { r.Header.Del("Content-Length") })
			test(t)
		})
	}
	t.Run("larger_picture_is_annotated_by_URL", func(t *testing.T) { checkOneFace(t, larger, ByURL) })
	t.Run("larger_picture_that_Google_cannot_fetch_is_retried_by_URL", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		_, err := c.annotate(t, larger, ByURL)
		checkFailure(t, err, picture.Unavailable)
	})
	for name, version := range map[string]string{"invalid": "not-a-version", "unknown": "01KC3W1Q8N7W8GZP1H3T5E9X0A"} {
		t.Run("larger_picture_with_an_"+name+"_version_is_gone", func(t *testing.T) {
			gone := larger
			gone.VersionID = version
			_, err := c.annotate(t, gone, ByURL)
			checkFailure(t, err, picture.Gone)
		})
	}
	t.Run("larger_picture_is_rejected_when_Google_says_twice_that_it_cannot_read_it", func(t *testing.T) {
		signed, err := c.presign(t, larger)
		if err != nil {
			t.Fatal(err)
		}
		in := AnnotateInput{Picture: larger, Send: ByURL, SignedURL: signed}
		c.google.SetFault(annotator.Fault{ImageCode: codes.InvalidArgument, Times: 2})
		var recorded picture.Kind
		_, err = execute[AnnotateResult](t, c, picture.AnnotateStep, in, func(env *testsuite.TestActivityEnvironment) {
			env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
				if err := details.Get(&recorded); err != nil {
					t.Error(err)
				}
			})
		})
		checkFailure(t, err, picture.Unavailable)
		_, err = execute[AnnotateResult](t, c, picture.AnnotateStep, in, func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(recorded) })
		checkFailure(t, err, picture.BadImage)
	})
	t.Run("picture_above_Google's_file_limit_that_Google_cannot_fetch_is_rejected", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		tooLarge := larger
		tooLarge.Size = picture.MaxSize + 1
		_, err := c.annotate(t, tooLarge, ByURL)
		checkFailure(t, err, picture.TooLarge)
	})
	t.Run("picture_of_the_maximum_size_that_Google_cannot_fetch_may_be_sent_as_bytes", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Times: 1})
		_, err := c.annotate(t, largest, ByURL)
		checkFailure(t, err, picture.Unfetchable)
	})
}

func TestAnnotateRefusesAReplacedObject(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	p.VersionID = "" // as in a bucket without versioning
	for _, send := range []Send{ByURL, ByBytes} {
		t.Run("same_object_is_annotated_by_"+string(send), func(t *testing.T) {
			if _, err := c.annotate(t, p, send); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("S3_that_is_unavailable_after_the_call_is_asked_again", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Times: 1, OnMatch: func() { gateway.Fail(t, `{"status":503,"code":"SlowDown","times":1,"operations":["HeadObject"]}`) }})
		if _, err := c.annotate(t, p, ByURL); err != nil {
			t.Error(err)
		}
	})
	t.Run("object_that_is_replaced_during_the_call_is_gone", func(t *testing.T) {
		p := c.uploadPhoto(t)
		p.VersionID = ""
		c.google.SetFault(annotator.Fault{Times: 1, OnMatch: func() { c.upload(t, p, paddedPhoto(t, int(p.Size)+1)) }})
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.Gone)
	})
	billed := c.google.Billed()
	c.upload(t, p, paddedPhoto(t, int(p.Size)+1))
	for _, send := range []Send{ByURL, ByBytes} {
		t.Run("other_object_is_gone_by_"+string(send), func(t *testing.T) {
			_, err := c.annotate(t, p, send)
			checkFailure(t, err, picture.Gone)
			c.checkNotBilled(t, billed)
		})
	}
}

// JPEG decoders ignore all bytes after the end-of-image marker.
func paddedPhoto(t *testing.T, size int) []byte {
	t.Helper()
	content := readPhoto(t)
	return append(content, bytes.Repeat([]byte{0}, size-len(content))...)
}
