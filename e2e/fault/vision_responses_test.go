package fault

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"

	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

func visionResponses() (cases []faultCase) {
	for _, c := range []struct {
		name     string
		response annotator.Fault
		kind     picture.Kind
		message  string
	}{
		{"Vision_RESOURCE_EXHAUSTED_is_retried", annotator.Fault{Code: codes.ResourceExhausted}, picture.Throttled, "quota"},
		{"Vision_UNAVAILABLE_is_retried", annotator.Fault{Code: codes.Unavailable}, picture.Unavailable, "unavailable"},
		{"Vision_UNAUTHENTICATED_is_retried", annotator.Fault{Code: codes.Unauthenticated}, picture.Forbidden, "credentials"},
		{"Vision_PERMISSION_DENIED_is_retried", annotator.Fault{Code: codes.PermissionDenied}, picture.Forbidden, "billing"},
		{"Vision_INVALID_ARGUMENT_for_the_whole_call_does_not_reject_the_picture", annotator.Fault{Code: codes.InvalidArgument}, picture.Misconfigured, "not the picture"},
		{"Vision_response_without_an_annotation_is_retried", annotator.Fault{Empty: true}, picture.Unavailable, "0 annotations"},
		{"unknown_Vision_image_error_is_retried", annotator.Fault{ImageCode: codes.DataLoss}, picture.Unavailable, "could not annotate the picture"},
	} {
		cases = append(cases, faultCase{name: c.name, run: func(t *testing.T, s *suite) {
			p := s.newPicture(t, testenv.Portrait(t))
			p.setVisionFault(c.response)
			p.upload(t)
			p.awaitRetry(t, stepFailure{picture.AnnotateStep, c.kind, c.message})
			p.setVisionFault(stubbed)
			p.awaitOutcome(t, annotated)
		}})
	}
	for _, c := range []struct {
		name string
		code codes.Code
	}{
		{"Vision_image_error_3_for_a_URL_is_verified_with_the_bytes", codes.InvalidArgument},
		{"Vision_image_error_4_for_a_URL_sends_the_bytes", codes.DeadlineExceeded},
		{"Vision_image_error_7_for_a_URL_sends_the_bytes", codes.PermissionDenied},
		{"Vision_image_error_14_for_a_URL_sends_the_bytes", codes.Unavailable},
	} {
		cases = append(cases, faultCase{name: c.name, run: func(t *testing.T, s *suite) {
			p := s.newPicture(t, testenv.Portrait(t))
			p.setVisionFault(annotator.Fault{ImageCode: c.code})
			p.setVisionBytesFault(stubbed)
			p.upload(t)
			p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: 2})
			p.checkURLWasUnfetchable(t)
		}})
	}
	return append(cases, otherVisionResponses...)
}

var otherVisionResponses = []faultCase{
	{name: "Vision_image_error_3_for_the_URL_and_the_bytes_rejects_the_picture", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{ImageCode: codes.InvalidArgument, Message: "Bad image data."})
		p.setVisionBytesFault(annotator.Fault{ImageCode: codes.InvalidArgument, Message: "Bad image data."})
		p.upload(t)
		p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.BadImage, wantAnnotateCalls: 2})
	}},
	{name: "empty_annotation_is_stored", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitOutcome(t, annotated)
	}},
	{name: "slow_Vision_call_is_made_once", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{Delay: 4 * time.Second, Response: emptyAnnotation}) // longer than the heartbeat timeout
		p.upload(t)
		p.awaitOutcome(t, annotated)
		if runs := p.activityRuns(t, picture.AnnotateStep); runs[0].attempt != 1 {
			t.Errorf("annotate needed %d attempts, want 1", runs[0].attempt)
		}
	}},
	{name: "Vision_call_that_hangs_times_out_and_is_retried", slow: true, run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{Delay: time.Hour, Times: 1})
		p.upload(t)
		p.awaitOutcome(t, annotated)
		p.checkRetriedOnceAfter(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "did not respond in time"})
	}},
	{name: "annotation_just_below_2_MB_is_stored", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{Response: annotationOfSize(records.MaxSize - 16<<10)})
		p.upload(t)
		if record := p.awaitOutcome(t, annotated); len(record.Annotation) < records.MaxSize-16<<10 {
			t.Errorf("the Record contains %d bytes of the annotation, want at least %d", len(record.Annotation), records.MaxSize-16<<10)
		}
	}},
	{name: "annotation_just_above_2_MB_rejects_the_picture_as_too_large", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{Response: annotationOfSize(2 << 20)})
		p.upload(t)
		record := p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.TooLarge, bills: 1, wantAnnotateCalls: 1})
		if r := record.Rejection; r == nil || !strings.Contains(r.Message, "annotation is too large") {
			t.Errorf("the rejection is %+v", r)
		}
	}},
}

func (p *testPicture) checkURLWasUnfetchable(t *testing.T) {
	t.Helper()
	if failure := p.activityRuns(t, picture.AnnotateStep)[0].failure; kindOf(failure) != picture.Unfetchable {
		t.Errorf("annotate by URL ended with failure %v, want kind %s", failure, picture.Unfetchable)
	}
}

func annotationOfSize(size int) *visionpb.AnnotateImageResponse {
	return &visionpb.AnnotateImageResponse{TextAnnotations: []*visionpb.EntityAnnotation{{Description: strings.Repeat("x", size)}}}
}
