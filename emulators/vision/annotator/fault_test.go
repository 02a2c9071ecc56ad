package annotator_test

import (
	"bytes"
	"context"
	"errors"
	"image/color"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"triptych/emulators/vision/annotator"
)

func TestFault(t *testing.T) {
	server, client := serve(t)
	request := batch(&visionpb.AnnotateImageRequest{Image: plain(t, color.White), Features: colour})

	t.Run("Code_fails_the_call_with_RetryInfo", func(t *testing.T) {
		server.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "Quota exceeded.", RetryAfter: 7 * time.Second})
		_, err := client.BatchAnnotateImages(t.Context(), request)
		got := status.Convert(err)
		if got.Code() != codes.ResourceExhausted || !strings.Contains(got.Message(), "Quota exceeded.") {
			t.Fatalf("got %v", err)
		}
		for _, detail := range got.Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok && retry.RetryDelay.AsDuration() == 7*time.Second {
				return
			}
		}
		t.Errorf("no RetryInfo of 7 s in %v", got.Details())
	})
	t.Run("ImageCode_fails_each_image", func(t *testing.T) {
		server.SetFault(annotator.Fault{ImageCode: codes.Unavailable})
		got := one(t, client, plain(t, color.White), colour)
		if got.Error.GetCode() != 14 || got.Error.GetMessage() != "Unavailable" || got.ImagePropertiesAnnotation != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("failed_images_are_not_billed", func(t *testing.T) {
		if n := server.Billed(); n != 0 {
			t.Errorf("%d images were annotated", n)
		}
	})
	t.Run("Response_replaces_the_analysis", func(t *testing.T) {
		large := strings.Repeat("x", 2<<20)
		server.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{TextAnnotations: []*visionpb.EntityAnnotation{{Description: large}}}})
		got := one(t, client, plain(t, color.White), face)
		if len(got.TextAnnotations) != 1 || got.TextAnnotations[0].Description != large || server.Billed() != 1 {
			t.Errorf("got %d texts, %d annotated", len(got.TextAnnotations), server.Billed())
		}
	})
	t.Run("Empty_returns_no_responses_and_is_not_billed", func(t *testing.T) {
		billed := server.Billed()
		server.SetFault(annotator.Fault{Empty: true})
		got, err := client.BatchAnnotateImages(t.Context(), request)
		if err != nil || len(got.Responses) != 0 || server.Billed() != billed {
			t.Errorf("got %v, %v, %d billed", got, err, server.Billed()-billed)
		}
		server.SetFault(annotator.Fault{})
	})
	t.Run("fault_with_Only_applies_to_no_other_image", func(t *testing.T) {
		marked := proto.CloneOf(request)
		marked.Requests[0].Image.Content = append(slices.Clone(marked.Requests[0].Image.Content), "marked"...)
		matches := 0
		server.SetFault(annotator.Fault{Only: "marked", Code: codes.PermissionDenied, OnMatch: func() { matches++ }})
		if _, err := client.BatchAnnotateImages(t.Context(), marked); status.Code(err) != codes.PermissionDenied || matches != 1 {
			t.Errorf("the marked image: %v; OnMatch was called %d times", err, matches)
		}
		if _, err := client.BatchAnnotateImages(t.Context(), request); err != nil {
			t.Errorf("another image: %v", err)
		}
	})
	t.Run("fault_ends_after_Times_calls", func(t *testing.T) {
		server.SetFault(annotator.Fault{Code: codes.PermissionDenied, Times: 2})
		for i := range 3 {
			_, err := client.BatchAnnotateImages(t.Context(), request)
			if want := i < 2; (status.Code(err) == codes.PermissionDenied) != want {
				t.Errorf("call %d: %v", i+1, err)
			}
		}
	})
	t.Run("Googles_client_retries_Unavailable", func(t *testing.T) {
		server.SetFault(annotator.Fault{Code: codes.Unavailable, Times: 1})
		if _, err := client.BatchAnnotateImages(t.Context(), request); err != nil {
			t.Error(err)
		}
	})
	t.Run("zero_Fault_lets_calls_succeed", func(t *testing.T) {
		server.SetFault(annotator.Fault{Code: codes.Internal})
		server.SetFault(annotator.Fault{})
		if got := one(t, client, plain(t, color.White), colour); got.Error != nil {
			t.Errorf("got %v", got.Error)
		}
	})
	t.Run("Delay_ends_with_the_calls_deadline", func(t *testing.T) {
		server.SetFault(annotator.Fault{Delay: time.Hour})
		defer server.SetFault(annotator.Fault{})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := client.BatchAnnotateImages(ctx, request); !errors.Is(err, context.DeadlineExceeded) && status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	})
	t.Run("call_with_a_Delay_succeeds", func(t *testing.T) {
		server.SetFault(annotator.Fault{Delay: time.Millisecond, Times: 1})
		if got := one(t, client, plain(t, color.White), colour); got.ImagePropertiesAnnotation == nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestConcurrency(t *testing.T) {
	server, client := serve(t)
	t.Run("8_concurrent_calls_get_the_right_annotations", func(t *testing.T) {
		images := []*visionpb.Image{photograph(t, "astronaut.jpg"), plain(t, color.RGBA{255, 0, 0, 255})}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				response, err := client.BatchAnnotateImages(t.Context(), batch(&visionpb.AnnotateImageRequest{Image: images[i%2], Features: everything}))
				if err != nil {
					t.Error(err)
					return
				}
				got := response.Responses[0]
				if len(got.FaceAnnotations) != 1-i%2 || (len(got.ImagePropertiesAnnotation.GetDominantColors().GetColors()) == 1) != (i%2 == 1) {
					t.Errorf("image %d: %d faces, error %v", i%2, len(got.FaceAnnotations), got.Error)
				}
			})
		}
		all.Wait()
		if n := server.Billed(); n != 8 {
			t.Errorf("%d images were annotated, want 8", n)
		}
	})
}

func TestHealth(t *testing.T) {
	t.Run("health_check_reports_SERVING", func(t *testing.T) {
		_, addr, _ := listen(t.Context(), t)
		conn, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		request := &grpc_health_v1.HealthCheckRequest{Service: "google.cloud.vision.v1.ImageAnnotator"}
		got, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), request)
		if err != nil || got.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestServe(t *testing.T) {
	t.Run("graceful_shutdown_finishes_running_calls", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		_, addr, stopped := listen(ctx, t)
		fetching, release := make(chan bool), make(chan bool)
		red := plain(t, color.RGBA{255, 0, 0, 255}).Content
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(fetching)
			<-release
			w.Write(red)
		}))
		defer web.Close()
		client := connect(t, addr)
		answered := make(chan error, 1)
		go func() {
			image := &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: web.URL}}
			response, err := client.BatchAnnotateImages(t.Context(), batch(&visionpb.AnnotateImageRequest{Image: image, Features: colour}))
			if err == nil && response.Responses[0].Error != nil {
				err = status.ErrorProto(response.Responses[0].Error)
			}
			answered <- err
		}()
		<-fetching
		stop()
		close(release)
		if err := <-answered; err != nil {
			t.Errorf("the call failed: %v", err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func TestBill(t *testing.T) {
	var bills bytes.Buffer
	server, client := serve(t, func(s *annotator.Server) { s.BillTo(&bills) })
	picture := plain(t, color.White)
	one(t, client, picture, colour)
	server.SetFault(annotator.Fault{ImageCode: codes.InvalidArgument})
	one(t, client, picture, colour)
	t.Run("bill_names_only_annotated_pictures", func(t *testing.T) {
		if n := strings.Count(bills.String(), annotator.Identity(picture.Content)); n != 1 || strings.Count(bills.String(), "\n") != 1 {
			t.Errorf("billed %s", &bills)
		}
	})
	t.Run("picture_with_a_URL_is_billed_by_its_path", func(t *testing.T) {
		server.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}})
		one(t, client, &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: "http://127.0.0.1:1/b/k.jpg?X-Amz-Signature=s"}}, colour)
		if !strings.Contains(bills.String(), annotator.Identity([]byte("/b/k.jpg"))) {
			t.Errorf("billed %s", &bills)
		}
	})
}
