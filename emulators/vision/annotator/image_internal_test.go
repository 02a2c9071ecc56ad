package annotator

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func newServer(t *testing.T) (*Server, []byte) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return s, data
}

func newRequest(image *visionpb.Image, types ...visionpb.Feature_Type) *visionpb.AnnotateImageRequest {
	request := &visionpb.AnnotateImageRequest{Image: image}
	for _, kind := range types {
		request.Features = append(request.Features, &visionpb.Feature{Type: kind})
	}
	return request
}

func TestPanic(t *testing.T) {
	t.Run("panic_is_error_13_of_its_image_only", func(t *testing.T) {
		s, data := newServer(t)
		s.faces = nil // face detection now panics
		image := &visionpb.Image{Content: data}
		batch := &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
			newRequest(image, visionpb.Feature_FACE_DETECTION), newRequest(image, visionpb.Feature_IMAGE_PROPERTIES),
		}}
		for range 2 * maxAnalyses { // hangs if a panic does not release the semaphore
			response, err := s.BatchAnnotateImages(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			if got := response.Responses; got[0].Error.GetCode() != int32(codes.Internal) || got[1].Error != nil {
				t.Errorf("got %v and %v", got[0].Error, got[1].Error)
			}
		}
	})
}

func TestFetchOnlyLoopback(t *testing.T) {
	s, _ := newServer(t)
	redirect := httptest.NewServer(http.RedirectHandler("http://192.0.2.1:80/", http.StatusFound))
	defer redirect.Close()
	for name, uri := range map[string]string{
		"address":                 "http://192.0.2.1/",
		"address_by_https":        "https://192.0.2.1/",
		"private_address":         "http://10.0.0.1/",
		"metadata_address":        "http://169.254.169.254/latest/meta-data/",
		"unspecified_address":     "http://0.0.0.0:1/",
		"IPv6_address":            "http://[2001:db8::1]/",
		"IPv4_address_in_IPv6":    "http://[::ffff:192.0.2.1]/",
		"address_as_a_number":     "http://3221225985/",
		"name_is_not_resolved":    "http://pictures.example.com/",
		"name_ending_like_it":     "http://notlocalhost/",
		"target_of_a_redirect":    redirect.URL,
		"address_after_user_name": "http://127.0.0.1@192.0.2.1/",
	} {
		t.Run("refused_"+name, func(t *testing.T) {
			if _, err := s.get(t.Context(), uri); !errors.Is(err, errNotLoopback) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("proxy_variables_are_ignored", func(t *testing.T) {
		if s.client.Transport.(*http.Transport).Proxy != nil {
			t.Error("the client uses a proxy")
		}
	})
}

func TestFetchTimeout(t *testing.T) {
	t.Run("slow_download_is_error_14", func(t *testing.T) {
		s, _ := newServer(t)
		if s.client.Timeout != fetchTimeout {
			t.Errorf("the timeout is %s", s.client.Timeout)
		}
		s.client.Timeout = 20 * time.Millisecond
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer web.Close()
		got := s.response(t.Context(), newRequest(&visionpb.Image{Source: &visionpb.ImageSource{ImageUri: web.URL}}, visionpb.Feature_IMAGE_PROPERTIES))
		if got.Error.GetCode() != int32(codes.Unavailable) {
			t.Errorf("got %v", got)
		}
	})
}

func TestMaxAnalyses(t *testing.T) {
	t.Run("at_most_8_however_many_processors", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(100))
		s, _ := newServer(t)
		if !s.analyses.TryAcquire(8) || s.analyses.TryAcquire(1) {
			t.Error("the limit is not 8")
		}
	})
}

func TestCancelledCall(t *testing.T) {
	t.Run("while_waiting_for_other_analyses", func(t *testing.T) {
		s, data := newServer(t)
		if err := s.analyses.Acquire(t.Context(), int64(min(runtime.GOMAXPROCS(0), maxAnalyses))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := s.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
				newRequest(&visionpb.Image{Content: data}, visionpb.Feature_FACE_DETECTION),
			}})
			failed <- err
		}()
		cancel()
		if err := <-failed; status.Code(err) != codes.Canceled || s.Billed() != 0 {
			t.Errorf("got %v, %d images billed", err, s.Billed())
		}
	})
	t.Run("while_fetching", func(t *testing.T) {
		s, _ := newServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		defer web.Close()
		_, err := s.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
			newRequest(&visionpb.Image{Source: &visionpb.ImageSource{ImageUri: web.URL}}, visionpb.Feature_FACE_DETECTION),
		}})
		if status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
	})
}

func TestLikelihood(t *testing.T) {
	for p, want := range map[float64]visionpb.Likelihood{
		0: visionpb.Likelihood_VERY_UNLIKELY, 0.05: visionpb.Likelihood_UNLIKELY, 0.25: visionpb.Likelihood_POSSIBLE,
		0.5: visionpb.Likelihood_LIKELY, 0.8: visionpb.Likelihood_VERY_LIKELY, 1: visionpb.Likelihood_VERY_LIKELY,
	} {
		t.Run(want.String(), func(t *testing.T) {
			if got := likelihood(p); got != want {
				t.Errorf("%v is %v", p, got)
			}
		})
	}
}
