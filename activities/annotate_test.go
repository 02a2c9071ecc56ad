package activities

import (
	"context"
	"errors"
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
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestAnnotate(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	before := time.Now()
	byURL, err := c.annotate(t, p, ByURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("by_URL_Google_sees_the_astronaut_smile", func(t *testing.T) {
		faces := decode(t, byURL).FaceAnnotations
		if len(faces) != 1 || faces[0].JoyLikelihood != visionpb.Likelihood_VERY_LIKELY {
			t.Errorf("faces: %v", faces)
		}
	})
	t.Run("by_bytes_Google_sees_the_same", func(t *testing.T) {
		byBytes, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes})
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(decode(t, byBytes), decode(t, byURL)) {
			t.Errorf("by bytes %s\nby URL %s", byBytes.Annotation, byURL.Annotation)
		}
	})
	t.Run("tells_of_its_step", func(t *testing.T) {
		got := byURL.Step
		if got.StartedAt.Before(before) || got.FinishedAt.Before(got.StartedAt) || got.FinishedAt.After(time.Now()) {
			t.Errorf("it ran from %s to %s", got.StartedAt, got.FinishedAt)
		}
		got.StartedAt, got.FinishedAt = time.Time{}, time.Time{}
		if want := (picture.Step{Name: picture.AnnotateStep, Cloud: "google", Status: picture.StepDone, Attempt: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
	for _, send := range []Send{ByURL, ByBytes} {
		t.Run("by_"+string(send)+"_shows_the_very_version_after_it_was_overwritten", func(t *testing.T) {
			first := c.upload(t, somePicture(t), photograph(t))
			c.upload(t, first, []byte("dear diary"))
			got, err := c.annotate(t, first, send)
			if err != nil || !proto.Equal(decode(t, got), decode(t, byURL)) {
				t.Errorf("%s, %v", got.Annotation, err)
			}
		})
	}
	t.Run("nothing_found_is_an_annotation_too", func(t *testing.T) {
		c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}, Times: 1})
		got, err := c.annotate(t, p, ByURL)
		if err != nil || string(got.Annotation) != "{}" {
			t.Errorf("%s, %v", got.Annotation, err)
		}
	})
	t.Run("no_answer_for_the_picture_is_waited_for", func(t *testing.T) {
		c := open(t)
		c.connectVision(t, serveGRPC(t, func(s *grpc.Server) { visionpb.RegisterImageAnnotatorServer(s, mute{}) }))
		_, err := c.annotate(t, p, ByURL)
		fails(t, err, picture.Unavailable)
	})
	t.Run("a_connection_to_S3_that_breaks_midway_is_waited_for", func(t *testing.T) {
		c := open(t)
		options := c.S3.Options()
		endpoint := cutS3After(t, 20_000)
		options.BaseEndpoint = &endpoint
		c.S3 = s3.New(options)
		_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes})
		fails(t, err, picture.Unavailable)
		if billed := c.google.Billed(); billed != 0 {
			t.Errorf("Google was shown %d halves of it", billed)
		}
	})
}

func TestAnnotateExpiredURL(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}}) // it need not look
	annotate := func(send Send, left time.Duration) error {
		signed.ExpiresAt = time.Now().Add(left)
		_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: send, SignedURL: signed})
		return err
	}
	for name, left := range map[string]time.Duration{"expired": -time.Second, "about_to_expire": 20 * time.Second} {
		t.Run("that_is_"+name+"_is_signed_again", func(t *testing.T) {
			valid := signed.URL
			signed.URL = "gs://never/asked.jpg" // Google may not open it
			defer func() { signed.URL = valid }()
			c.google.SetFault(annotator.Fault{})
			if err := annotate(ByURL, left); err != nil {
				t.Error(err)
			}
			c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}})
		})
	}
	t.Run("that_lasts_long_enough_is_used", func(t *testing.T) {
		if err := annotate(ByURL, minURLTTL); err != nil {
			t.Error(err)
		}
	})
	t.Run("does_not_matter_by_bytes", func(t *testing.T) {
		if err := annotate(ByBytes, -time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestAnnotateErasedPicture(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
		t.Fatal(err)
	}
	t.Run("is_not_shown_to_Google", func(t *testing.T) {
		_, err := c.annotate(t, p, ByURL)
		fails(t, err, picture.WasErased)
		if got := c.google.Billed(); got != 0 {
			t.Errorf("Google was asked %d times", got)
		}
	})
	t.Run("is_not_shown_to_Google_again_either", func(t *testing.T) {
		_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes, ReannotateBefore: time.Now()})
		fails(t, err, picture.WasErased)
		if got := c.google.Billed(); got != 0 {
			t.Errorf("Google was asked %d times", got)
		}
	})
}

func TestAnnotateWhatHasARecord(t *testing.T) {
	c := open(t)
	c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}}) // it need not look
	p := c.upload(t, somePicture(t), photograph(t))
	c.keeps(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage}, nil, "run"), picture.Rejected)
	for _, tt := range []struct {
		outcome string
		again   time.Time
		kept    picture.Status
		billed  int64
	}{
		{"is_not_paid_for_twice", time.Time{}, picture.Rejected, 0},
		{"is_not_paid_for_again_where_it_was_already", time.Now().Add(-time.Hour), picture.Rejected, 0},
		{"is_shown_again_on_demand", time.Now().Add(time.Hour), "", 1},
	} {
		t.Run(tt.outcome, func(t *testing.T) {
			before := c.google.Billed()
			got, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes, ReannotateBefore: tt.again})
			if billed := c.google.Billed() - before; err != nil || got.Kept != tt.kept || billed != tt.billed {
				t.Errorf("kept %q, billed %d, %v", got.Kept, billed, err)
			}
		})
	}
}

// azcosmos asks for the account whatever deadline it is given.
func TestLookDoesNotOutlastItsTime(t *testing.T) {
	c := open(t)
	never := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer never.Close()
	c.connectRecords(t, never.URL, newKey())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Activities.look(ctx, somePicture(t).ID); !errors.Is(err, context.Canceled) {
		t.Errorf("it returned %v", err)
	}
}

// Google comes for the picture, and gets it only once Temporal has been told that the attempt lives.
func TestAnnotateBeatsWhileGoogleIsSlow(t *testing.T) {
	c := open(t)
	beats := make(chan struct{}, 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-beats:
			http.ServeFile(w, r, "../emulators/vision/testdata/astronaut.jpg")
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: somePicture(t), Send: ByURL,
		SignedURL: SignedURL{URL: slow.URL, ExpiresAt: time.Now().Add(time.Hour)}},
		func(env *testsuite.TestActivityEnvironment) {
			env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
				select {
				case beats <- struct{}{}:
				default:
				}
			})
		})
	if err != nil {
		t.Error(err)
	}
}

func decode(t *testing.T, a AnnotateResult) *visionpb.AnnotateImageResponse {
	t.Helper()
	var answer visionpb.AnnotateImageResponse
	if err := protojson.Unmarshal(a.Annotation, &answer); err != nil {
		t.Fatalf("%v: %s", err, a.Annotation)
	}
	return &answer
}

// mute is a Google that has no answer for the picture it was asked about.
type mute struct {
	visionpb.UnimplementedImageAnnotatorServer
}

func (mute) BatchAnnotateImages(context.Context, *visionpb.BatchAnnotateImagesRequest) (*visionpb.BatchAnnotateImagesResponse, error) {
	return &visionpb.BatchAnnotateImagesResponse{}, nil
}

// cutS3After is a way to S3 on which every connection breaks once S3 has sent so many bytes.
func cutS3After(t *testing.T, bytes int64) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go forward(near, bytes)
		}
	}()
	return "http://" + l.Addr().String()
}

func forward(near net.Conn, bytes int64) {
	defer near.Close()
	far, err := net.Dial("tcp", strings.TrimPrefix(gateway.url, "http://"))
	if err != nil {
		return
	}
	defer far.Close()
	go io.Copy(far, near)
	io.CopyN(near, far, bytes)
}
