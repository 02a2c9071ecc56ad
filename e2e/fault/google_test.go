package fault

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

// google gives every answer that Cloud Vision may give, and some that it should not.
func google() (faults []fault) {
	for _, c := range []struct {
		name   string
		answer annotator.Fault
		kind   picture.Kind
		says   string
	}{
		{"a_429_of_Google_is_waited_for", annotator.Fault{Code: codes.ResourceExhausted}, picture.Throttled, "quota"},
		{"a_503_of_Google_is_waited_for", annotator.Fault{Code: codes.Unavailable}, picture.Unavailable, "unavailable"},
		{"a_wrong_credential_for_Google_is_waited_for", annotator.Fault{Code: codes.Unauthenticated}, picture.Forbidden, "credentials"},
		{"a_missing_permission_at_Google_is_waited_for", annotator.Fault{Code: codes.PermissionDenied}, picture.Forbidden, "billing"},
		{"an_INVALID_ARGUMENT_of_Google's_call_never_rejects_a_picture", annotator.Fault{Code: codes.InvalidArgument}, picture.Misconfigured, "not the picture"},
		{"an_empty_answer_of_Google_is_no_annotation", annotator.Fault{Empty: true}, picture.Unavailable, "0 annotations"},
		{"an_image_error_nobody_foresaw_is_waited_for", annotator.Fault{ImageCode: codes.DataLoss}, picture.Unavailable, "asked again"},
	} {
		faults = append(faults, fault{name: c.name, run: func(t *testing.T, p *wholeStack) {
			s := p.ask(t, portrait(t))
			s.google(c.answer)
			s.upload(t)
			s.waits(t, waiting{picture.AnnotateStep, c.kind, c.says})
			s.google(atOnce)
			s.ends(t, annotated)
		}})
	}
	for _, c := range []struct {
		name string
		code codes.Code
	}{
		{"a_3_of_a_good_picture's_URL_is_not_believed", codes.InvalidArgument},
		{"a_4_of_the_URL_has_the_bytes_sent", codes.DeadlineExceeded},
		{"a_7_of_the_URL_has_the_bytes_sent", codes.PermissionDenied},
		{"a_14_of_the_URL_has_the_bytes_sent", codes.Unavailable},
	} {
		faults = append(faults, fault{name: c.name, run: func(t *testing.T, p *wholeStack) {
			s := p.ask(t, portrait(t))
			s.google(annotator.Fault{ImageCode: c.code})
			s.bytes(atOnce)
			s.upload(t)
			s.ends(t, ending{status: picture.Annotated, bills: 1, shown: 2})
			if byURL := s.scheduled(t, picture.AnnotateStep)[0].failure; kindOf(byURL) != picture.Unfetchable {
				t.Errorf("by URL it failed of %v", byURL)
			}
		}})
	}
	return append(faults, moreOfGoogle...)
}

var moreOfGoogle = []fault{
	{name: "a_3_of_the_URL_and_of_the_bytes_rejects", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{ImageCode: codes.InvalidArgument, Message: "Bad image data."})
		s.bytes(annotator.Fault{ImageCode: codes.InvalidArgument, Message: "Bad image data."})
		s.upload(t)
		s.ends(t, ending{status: picture.Rejected, kind: picture.BadImage, shown: 2})
	}},
	{name: "nothing_found_is_an_annotation", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		s.ends(t, annotated)
	}},
	{name: "a_slow_Google_is_asked_once", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{Delay: 4 * time.Second, Response: nothing}) // longer than a worker may be silent
		s.upload(t)
		s.ends(t, annotated)
		if tries := s.scheduled(t, picture.AnnotateStep); tries[0].attempt != 1 {
			t.Errorf("it took %d attempts", tries[0].attempt)
		}
	}},
	{name: "a_Google_that_hangs_is_given_up_and_asked_again", slow: true, run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{Delay: time.Hour, Times: 1})
		s.upload(t)
		s.ends(t, annotated)
		s.retried(t, waiting{picture.AnnotateStep, picture.Unavailable, "did not answer in time"})
	}},
	{name: "a_result_just_under_2_MB_is_kept", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{Response: found(records.MaxSize - 16<<10)})
		s.upload(t)
		if kept := s.ends(t, annotated); len(kept.Annotation) < records.MaxSize-16<<10 {
			t.Errorf("of the annotation %d bytes were kept", len(kept.Annotation))
		}
	}},
	{name: "a_result_just_over_2_MB_ends_in_a_Record_that_says_so", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{Response: found(2 << 20)})
		s.upload(t)
		kept := s.ends(t, ending{status: picture.Rejected, kind: picture.TooLarge, bills: 1, shown: 1})
		if why := kept.Rejection; why == nil || !strings.Contains(why.Message, "Google found so much") {
			t.Errorf("it was rejected for %+v", why)
		}
	}},
}

// found is an annotation of so many bytes.
func found(size int) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{TextAnnotations: []*visionpb.EntityAnnotation{{Description: strings.Repeat("x", size)}}}
}
