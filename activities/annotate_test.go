package activities

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestAnnotate(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	before := time.Now()
	byURL, err := c.annotate(t, p, ByURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("annotation_by_URL_contains_the_smiling_face", func(t *testing.T) {
		faces := decodeAnnotation(t, byURL.Annotation).FaceAnnotations
		if len(faces) != 1 || faces[0].JoyLikelihood != visionpb.Likelihood_VERY_LIKELY {
			t.Errorf("faces: %v", faces)
		}
	})
	t.Run("annotation_by_bytes_equals_annotation_by_URL", func(t *testing.T) {
		byBytes, err := c.annotate(t, p, ByBytes)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(decodeAnnotation(t, byBytes.Annotation), decodeAnnotation(t, byURL.Annotation)) {
			t.Errorf("by bytes %s\nby URL %s", byBytes.Annotation, byURL.Annotation)
		}
	})
	t.Run("result_contains_the_finished_step", func(t *testing.T) {
		got := byURL.Step
		if got.StartedAt.Before(before) || got.FinishedAt.Before(got.StartedAt) || got.FinishedAt.After(time.Now()) {
			t.Errorf("step from %s to %s", got.StartedAt, got.FinishedAt)
		}
		got.StartedAt, got.FinishedAt = time.Time{}, time.Time{}
		if want := (picture.Step{Name: picture.AnnotateStep, Cloud: picture.Google, Status: picture.StepDone, Attempt: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
	t.Run("location_of_the_request_is_sent_to_Google", func(t *testing.T) {
		defer func() { c.VisionParent = "" }()
		c.VisionParent = "projects/some-project/locations/atlantis"
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.Misconfigured)
		c.VisionParent = "projects/some-project/locations/eu"
		if _, err := c.annotate(t, p, ByURL); err != nil {
			t.Error(err)
		}
	})
	for _, send := range []Send{ByURL, ByBytes} {
		t.Run("overwritten_object_is_annotated_in_its_original_version_by_"+string(send), func(t *testing.T) {
			first := c.uploadPhoto(t)
			c.upload(t, first, []byte("not an image"))
			got, err := c.annotate(t, first, send)
			if err != nil || !proto.Equal(decodeAnnotation(t, got.Annotation), decodeAnnotation(t, byURL.Annotation)) {
				t.Errorf("%s, %v", got.Annotation, err)
			}
		})
	}
	t.Run("empty_annotation_is_accepted", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}, Times: 1})
		got, err := c.annotate(t, p, ByURL)
		if err != nil || string(got.Annotation) != "{}" {
			t.Errorf("%s, %v", got.Annotation, err)
		}
	})
	labels := []*visionpb.EntityAnnotation{{Description: "face"}}
	for name, tt := range map[string]struct {
		failed *statuspb.Status
		stored string // message of the error
		kind   picture.Kind
	}{
		"error": {&statuspb.Status{Code: int32(codes.Internal), Message: "Response too large."}, "Response too large.", picture.Unavailable},
		"error_that_has_details_of_an_unknown_type": {&statuspb.Status{Code: int32(codes.ResourceExhausted), Message: "Later.",
			Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/example.Unknown", Value: []byte{1}}}}, "Later.", picture.Throttled},
		"error_that_mentions_a_URL": {&statuspb.Status{Code: int32(codes.Unavailable), Message: "We can not access the URL https://a.example/b?X-Amz-Signature=abc currently."},
			"We can not access the URL " + picture.Redact("https://a.example/b?X-Amz-Signature=abc") + " currently.", picture.Unfetchable},
	} {
		t.Run("annotation_beside_an_"+name+"_is_kept_without_a_second_call", func(t *testing.T) {
			c.google.SetFault(annotator.Fault{Times: 1, Response: &visionpb.AnnotateImageResponse{LabelAnnotations: labels, Error: tt.failed}})
			got, err := c.annotate(t, p, ByURL)
			if err != nil {
				t.Fatal(err)
			}
			want := &visionpb.AnnotateImageResponse{LabelAnnotations: labels, Error: &statuspb.Status{Code: tt.failed.Code, Message: tt.stored}}
			if annotation := decodeAnnotation(t, got.Annotation); !proto.Equal(annotation, want) {
				t.Errorf("%v, want %v", annotation, want)
			}
		})
		t.Run(name+"_without_annotation_is_retried_or_sent_as_bytes", func(t *testing.T) {
			c.google.SetFault(annotator.Fault{Times: 1, Response: &visionpb.AnnotateImageResponse{Error: tt.failed}})
			_, err := c.annotate(t, p, ByURL)
			checkFailure(t, err, tt.kind)
		})
	}
	t.Run("response_without_annotation_is_retried", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Empty: true, Times: 1})
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.Unavailable)
	})
	t.Run("connection_to_S3_that_closes_early_is_retried_without_calling_Google", func(t *testing.T) {
		c := openClouds(t)
		options := c.S3.Options()
		endpoint := startTruncatingProxy(t, 20_000)
		options.BaseEndpoint = &endpoint
		c.S3 = s3.New(options)
		_, err := c.annotate(t, p, ByBytes)
		checkFailure(t, err, picture.Unavailable)
		c.checkNotBilled(t, 0)
	})
}

func TestAnnotateExpiringURL(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	valid, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	annotate := func(send Send, url SignedURL) error {
		_, err := execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: send, SignedURL: url})
		return err
	}
	refused := func(left time.Duration) SignedURL { // the emulator refuses this URL
		return SignedURL{ID: p.ID, URL: "gs://private/picture.jpg", ExpiresAt: time.Now().Add(left)}
	}
	for name, left := range map[string]time.Duration{"expired": -time.Second, "about_to_expire": 20 * time.Second} {
		t.Run("URL_that_is_"+name+"_is_signed_again", func(t *testing.T) {
			if err := annotate(ByURL, refused(left)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("URL_that_is_valid_for_long_enough_is_used", func(t *testing.T) {
		if err := annotate(ByURL, valid); err != nil {
			t.Error(err)
		}
		checkFailure(t, annotate(ByURL, refused(minURLTTL)), picture.Unfetchable)
	})
	t.Run("URL_of_another_picture_is_not_used", func(t *testing.T) {
		other := refused(urlTTL)
		other.ID = newPicture(t).ID
		if err := annotate(ByURL, other); err != nil {
			t.Error(err)
		}
	})
	t.Run("expired_URL_is_irrelevant_when_bytes_are_sent", func(t *testing.T) {
		if err := annotate(ByBytes, refused(-time.Second)); err != nil {
			t.Error(err)
		}
	})
}

func TestAnnotateSendsHeartbeatsWhileGoogleIsSlow(t *testing.T) {
	c := openClouds(t)
	heartbeats := make(chan struct{}, 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-heartbeats:
			http.ServeFile(w, r, photo)
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	p := newPicture(t)
	p.VersionID = "version" // S3 is not asked
	_, err := execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByURL,
		SignedURL: SignedURL{ID: p.ID, URL: slow.URL, ExpiresAt: time.Now().Add(time.Hour)}},
		func(env *testsuite.TestActivityEnvironment) {
			env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
				select {
				case heartbeats <- struct{}{}:
				default:
				}
			})
		})
	if err != nil {
		t.Error(err)
	}
}

func decodeAnnotation(t *testing.T, annotation []byte) *visionpb.AnnotateImageResponse {
	t.Helper()
	var response visionpb.AnnotateImageResponse
	if err := protojson.Unmarshal(annotation, &response); err != nil {
		t.Fatalf("%v: %s", err, annotation)
	}
	return &response
}

func startTruncatingProxy(t *testing.T, limit int64) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			downstream, err := l.Accept()
			if err != nil {
				return
			}
			go forward(downstream, limit)
		}
	}()
	return "http://" + l.Addr().String()
}

func forward(downstream net.Conn, limit int64) {
	defer downstream.Close()
	upstream, err := net.Dial("tcp", strings.TrimPrefix(gateway.URL, "http://"))
	if err != nil {
		return
	}
	defer upstream.Close()
	go io.Copy(upstream, downstream)
	io.CopyN(downstream, upstream, limit)
}
