package activities

import (
	"context"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"triptych/e2e/metrictest"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

func TestAnnotationsPerDay(t *testing.T) {
	for _, tt := range []struct {
		name    string
		perDay  int
		message string
	}{
		{"picture_above_the_limit_waits_until_midnight", 1, "This site annotates at most 1 pictures a day, so this one waits until 00:00 UTC; Triptych tries again"},
		{"picture_waits_while_annotation_is_disabled", 0, "This site annotates no pictures at the moment; Triptych tries again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := openClouds(t)
			c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}})
			c.DailyLimit = &records.DailyLimit{Records: c.Records, PerDay: tt.perDay}
			p := c.uploadPhoto(t)
			for range tt.perDay {
				if _, err := c.annotate(t, p, ByURL); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.annotate(t, p, ByURL)
			failure := checkFailure(t, err, picture.Throttled)
			var details picture.FailureDetails
			if err := failure.Details(&details); err != nil || details.Cloud != picture.Google || failure.Message() != tt.message {
				t.Errorf("%+v %q, %v", details, failure.Message(), err)
			}
			next := time.Now().Add(failure.NextRetryDelay()).UTC()
			if next.Hour() != 0 || next.Minute() > 0 || time.Until(next) > 25*time.Hour {
				t.Errorf("the next attempt is at %s, want shortly after 00:00 UTC", next)
			}
			c.checkNotBilled(t, int64(tt.perDay))
		})
	}
	for name, tt := range map[string]struct {
		fail             func(*clouds, context.CancelFunc)
		counts, succeeds bool
	}{
		"call_that_Google_refuses_does_not_count": {fail: func(c *clouds, _ context.CancelFunc) {
			c.google.SetFault(annotator.Fault{Code: codes.Unavailable, Times: 1})
		}},
		"image_that_Google_does_not_annotate_does_not_count": {fail: func(c *clouds, _ context.CancelFunc) {
			c.google.SetFault(annotator.Fault{ImageCode: codes.Internal, Times: 1})
		}},
		"partly_annotated_image_counts": {counts: true, succeeds: true, fail: func(c *clouds, _ context.CancelFunc) {
			partial := &visionpb.AnnotateImageResponse{
				LabelAnnotations: []*visionpb.EntityAnnotation{{Description: "face"}}, Error: &statuspb.Status{Code: int32(codes.Internal)},
			}
			c.google.SetFault(annotator.Fault{Response: partial, Times: 1})
		}},
		"call_that_is_never_sent_does_not_count": {fail: func(_ *clouds, cancel context.CancelFunc) { cancel() }},
		"call_without_an_answer_counts": {counts: true, fail: func(c *clouds, cancel context.CancelFunc) {
			c.google.SetFault(annotator.Fault{OnMatch: cancel, Delay: time.Hour, Times: 1})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := openClouds(t)
			c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}})
			c.DailyLimit = &records.DailyLimit{Records: c.Records, PerDay: 200} // blocks of two calls
			in := AnnotateInput{Picture: c.uploadPhoto(t), Send: ByURL}
			if _, err := c.annotation(t.Context(), in, 1); err != nil {
				t.Fatal(err)
			}
			c.azure.SetFault(cosmosdb.Fault{Status: http.StatusServiceUnavailable}) // prevents another reservation
			ctx, cancel := context.WithCancel(t.Context())
			tt.fail(c, cancel)
			measured := metrictest.Start(t)
			if _, err := c.annotation(ctx, in, 1); (err == nil) != tt.succeeds {
				t.Errorf("the call returned %v", err)
			}
			cancel()
			if billed := measured()["triptych.annotations.billed"]; (billed == 1) != tt.counts {
				t.Errorf("the metric counts %d calls", billed)
			}
			if _, err := c.annotation(t.Context(), in, 1); (err != nil) != tt.counts {
				t.Errorf("the next call returned %v", err)
			}
		})
	}
}
