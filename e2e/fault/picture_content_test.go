package fault

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"triptych/activities"
	"triptych/e2e/siteclient"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

var pictureContent = []faultCase{
	rejectedContent("HTML_named_.jpg_is_rejected", func(*testing.T) []byte { return []byte("<!doctype html><title>me</title>") }),
	rejectedContent("SVG_is_rejected", func(*testing.T) []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>`)
	}),
	rejectedContent("truncated_JPEG_is_rejected", func(t *testing.T) []byte {
		photo := testenv.Portrait(t)
		return photo[:len(photo)/3]
	}),
	{name: "JPEG_with_over_75_megapixels_is_rejected_as_too_large_after_one_call", run: func(t *testing.T, s *suite) {
		p := s.uploadPicture(t, portraitWithDimensions(t, 9060, 9060))
		record := p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.TooLarge, wantAnnotateCalls: 1})
		if r := record.Rejection; r == nil || !strings.Contains(r.Message, "75 megapixels") {
			t.Errorf("the rejection is %+v, want one that names the limit of 75 megapixels", r)
		}
	}},
	{name: "empty_upload_gets_no_grant_and_an_empty_object_is_rejected", run: func(t *testing.T, s *suite) {
		_, err := s.Site.RequestGrant(testenv.Context(t), nil)
		if e, ok := err.(*siteclient.StatusError); !ok || e.Status != http.StatusBadRequest {
			t.Errorf("the grant request returned %v, want status 400", err)
		}
		p := s.newPicture(t, testenv.Portrait(t))
		p.PutObject(t, testenv.Key(t, p.ID), nil)
		p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.BadImage, wantAnnotateCalls: 2})
	}},
	{name: "picture_too_large_for_inline_bytes_waits_until_Google_can_fetch_its_URL", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, largestPortrait(t))
		p.setVisionFault(annotator.Fault{ImageCode: codes.Unavailable, Message: "We can not access the URL currently."})
		p.upload(t)
		p.awaitRetry(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "make the bucket reachable for Google"})
		p.setVisionFault(stubbed)
		p.awaitOutcome(t, annotated)
	}},
}

// Not in parallel: the Vision emulator needs all CPU cores to annotate a large picture.
var largePictures = []faultCase{
	{name: "picture_of_20_MB_is_annotated", run: func(t *testing.T, s *suite) {
		p := s.uploadPicture(t, largestPortrait(t))
		if record := p.awaitOutcome(t, annotated); record.Size != picture.MaxSize {
			t.Errorf("the Record has size %d, want %d", record.Size, picture.MaxSize)
		}
	}},
}

func rejectedContent(name string, content func(*testing.T) []byte) faultCase {
	return faultCase{name: name, run: func(t *testing.T, s *suite) {
		p := s.uploadPicture(t, content(t))
		record := p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.BadImage, wantAnnotateCalls: 2})
		if r := record.Rejection; r == nil || r.Step != picture.AnnotateStep || r.Message == "" {
			t.Errorf("the rejection is %+v, want one of annotate with a message", r)
		}
		p.checkURLWasUnfetchable(t) // an image error for a URL rejects the picture only if the bytes get the same error
	}}
}

func largestPortrait(t *testing.T) []byte {
	t.Helper()
	photo := make([]byte, picture.MaxSize)
	copy(photo, testenv.Portrait(t))
	copy(photo[len(photo)-len(t.Name()):], t.Name())
	if len(photo) <= activities.MaxInlineSize {
		t.Fatal("the picture is small enough to be sent inline")
	}
	return photo
}

func portraitWithDimensions(t *testing.T, width, height uint16) []byte {
	t.Helper()
	photo := testenv.Portrait(t)
	frame := bytes.Index(photo, []byte{0xff, 0xc0}) // SOF0, the header of a baseline frame
	if progressive := bytes.Index(photo, []byte{0xff, 0xc2}); frame < 0 || progressive >= 0 && progressive < frame {
		frame = progressive // SOF2
	}
	if frame < 0 {
		t.Fatal("the photo has no frame header")
	}
	binary.BigEndian.PutUint16(photo[frame+5:], height)
	binary.BigEndian.PutUint16(photo[frame+7:], width)
	return photo
}
