package annotator

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/photo"
)

func newServer(t *testing.T) (service, []byte) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return service{server: s, web: s.web}, data
}

func asking(image *visionpb.Image, types ...visionpb.Feature_Type) *visionpb.AnnotateImageRequest {
	request := &visionpb.AnnotateImageRequest{Image: image}
	for _, kind := range types {
		request.Features = append(request.Features, &visionpb.Feature{Type: kind})
	}
	return request
}

func TestPanic(t *testing.T) {
	t.Run("a_panic_is_error_13_of_its_image_only", func(t *testing.T) {
		s, data := newServer(t)
		s.server.faces = nil // makes looking for faces panic, as a hostile image might
		image := &visionpb.Image{Content: data}
		batch := &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
			asking(image, visionpb.Feature_FACE_DETECTION), asking(image, visionpb.Feature_IMAGE_PROPERTIES),
		}}
		for range 2 * photo.MaxPixels / s.server.least { // a place that is not given back would be missed
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

func TestElsewhere(t *testing.T) {
	s, _ := newServer(t)
	redirect := httptest.NewServer(http.RedirectHandler("http://192.0.2.1:80/", http.StatusFound))
	defer redirect.Close()
	for name, uri := range map[string]string{
		"an_address_is_not_dialled":           "http://192.0.2.1/",
		"an_address_by_https_is_not":          "https://192.0.2.1/",
		"a_private_address_is_not":            "http://10.0.0.1/",
		"the_metadata_address_is_not":         "http://169.254.169.254/latest/meta-data/",
		"any_address_is_not":                  "http://0.0.0.0:1/",
		"an_IPv6_address_is_not":              "http://[2001:db8::1]/",
		"an_IPv4_address_in_IPv6_is_not":      "http://[::ffff:192.0.2.1]/",
		"an_address_as_a_number_is_not":       "http://3221225985/",
		"a_name_is_not_looked_up":             "http://pictures.example.com/",
		"a_name_ending_alike_is_not":          "http://notlocalhost/",
		"where_a_redirect_leads_is_not":       redirect.URL,
		"an_address_before_an_@_is_no_excuse": "http://127.0.0.1@192.0.2.1/",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.get(t.Context(), uri); !errors.Is(err, errElsewhere) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a_proxy_variable_changes_nothing", func(t *testing.T) {
		if s.web.Transport.(*http.Transport).Proxy != nil {
			t.Error("the client asks for a proxy")
		}
	})
}

func TestAllowed(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel() // so that what may be dialled is not
	errCanceled := errors.New("operation was canceled")
	d := dialer{allowed: map[string]bool{"192.0.2.1": true, "2001:db8::1": true, "pictures.example.com": true}}
	for name, tt := range map[string]struct {
		address string
		want    error
	}{
		"an_allowed_address_is_dialled":             {"192.0.2.1:80", errCanceled},
		"an_allowed_IPv6_address_is_too":            {"[2001:db8::1]:443", errCanceled},
		"its_neighbour_is_not":                      {"192.0.2.2:80", errElsewhere},
		"a_name_below_an_allowed_one_is_not":        {"more.pictures.example.com:80", errElsewhere},
		"a_name_that_ends_like_an_allowed_one_isnt": {"xpictures.example.com:80", errElsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := ended
			if tt.want == errElsewhere {
				ctx = t.Context()
			}
			if _, err := d.dial(ctx, "tcp", tt.address); err == nil || !strings.Contains(err.Error(), tt.want.Error()) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	t.Run("an_allowed_name_may_be_written_in_capitals_and_with_a_dot", func(t *testing.T) {
		if !d.allowed[hostName("Pictures.Example.COM.")] {
			t.Error("it is not allowed")
		}
	})
}

func TestExposed(t *testing.T) {
	s, _ := newServer(t)
	s.web = s.server.elsewhere
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for name, uri := range map[string]string{
		"loopback_is_not_dialled":            web.URL,
		"localhost_is_not":                   strings.Replace(web.URL, "127.0.0.1", "localhost", 1),
		"a_name_under_localhost_is_not":      strings.Replace(web.URL, "127.0.0.1", "BUCKET.localhost.", 1),
		"loopback_of_IPv6_is_not":            "http://[::1]/",
		"another_address_of_loopback_is_not": "http://127.1.2.3/",
		"loopback_in_IPv6_is_not":            "http://[::ffff:127.0.0.1]/",
		"any_address_is_not":                 "http://0.0.0.0/",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.get(t.Context(), uri); !errors.Is(err, errHere) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("another_host_is_not_either", func(t *testing.T) {
		if _, err := s.get(t.Context(), "http://192.0.2.1/"); !errors.Is(err, errElsewhere) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an_allowed_host_is_dialled", func(t *testing.T) {
		allowing, err := New("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		s := service{server: allowing, web: allowing.elsewhere}
		if _, err := s.get(t.Context(), web.URL); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("got %v", err)
		}
	})
	for address, want := range map[string]bool{"127.0.0.1": false, "::1": false, "0.0.0.0": true, "::": true, "192.0.2.1": true} {
		t.Run(address+"_is_told_apart", func(t *testing.T) {
			if got := exposed(&net.TCPAddr{IP: net.ParseIP(address)}); got != want {
				t.Errorf("others may reach it: %v", got)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Run("a_picture_that_takes_too_long_to_fetch_is_14", func(t *testing.T) {
		s, _ := newServer(t)
		if s.web.Timeout != fetchWithin || s.server.elsewhere.Timeout != fetchWithin {
			t.Errorf("fetching may take %s and %s", s.web.Timeout, s.server.elsewhere.Timeout)
		}
		s.web.Timeout = 20 * time.Millisecond
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer web.Close()
		got := s.answer(t.Context(), asking(&visionpb.Image{Source: &visionpb.ImageSource{ImageUri: web.URL}}, visionpb.Feature_IMAGE_PROPERTIES))
		if got.Error.GetCode() != int32(codes.Unavailable) {
			t.Errorf("got %v", got)
		}
	})
	t.Run("a_picture_that_takes_too_long_to_decode_is_bad", func(t *testing.T) {
		s, data := newServer(t)
		if s.server.decodeWithin != decodeWithin {
			t.Errorf("decoding may take %s", s.server.decodeWithin)
		}
		s.server.decodeWithin = 0
		got := s.answer(t.Context(), asking(&visionpb.Image{Content: data}, visionpb.Feature_IMAGE_PROPERTIES))
		if got.Error.GetCode() != int32(codes.InvalidArgument) || got.Error.Message != "Bad image data." {
			t.Errorf("got %v", got)
		}
	})
}

// wide is a GIF of 60 megapixels that ends after its header.
const wide = "GIF89a\x10\x27\x70\x17\x00\x00\x00" // 10,000 × 6,000

func TestPlaces(t *testing.T) {
	t.Run("there_are_no_more_than_8_however_many_processors", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(100))
		s, _ := newServer(t)
		if places := photo.MaxPixels / s.server.least; places != 8 {
			t.Errorf("there are %d", places)
		}
	})
	t.Run("a_large_picture_waits_until_there_is_memory_for_all_its_pixels", func(t *testing.T) {
		s, data := newServer(t)
		under := photo.MaxPixels - s.server.least
		if err := s.server.analyses.Acquire(t.Context(), under); err != nil { // other pictures are being looked at
			t.Fatal(err)
		}
		small := asking(&visionpb.Image{Content: data}, visionpb.Feature_IMAGE_PROPERTIES)
		if got := s.answer(t.Context(), small); got.Error != nil {
			t.Fatalf("a small picture has its place: %v", got.Error)
		}
		answered := make(chan *visionpb.AnnotateImageResponse)
		go func() {
			answered <- s.answer(t.Context(), asking(&visionpb.Image{Content: []byte(wide)}, visionpb.Feature_IMAGE_PROPERTIES))
		}()
		for s.server.analyses.TryAcquire(1) { // as long as nobody waits
			s.server.analyses.Release(1)
			runtime.Gosched()
		}
		select {
		case got := <-answered:
			t.Fatalf("it did not wait: %v", got)
		default:
		}
		s.server.analyses.Release(under)
		if got := <-answered; got.Error.GetMessage() != "Bad image data." {
			t.Errorf("once it is decoded it is %v", got)
		}
	})
}

func TestContext(t *testing.T) {
	t.Run("waiting_for_a_place_ends_with_the_call", func(t *testing.T) {
		s, data := newServer(t)
		if err := s.server.analyses.Acquire(t.Context(), photo.MaxPixels); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := s.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
				asking(&visionpb.Image{Content: data}, visionpb.Feature_FACE_DETECTION),
			}})
			failed <- err
		}()
		cancel()
		if err := <-failed; status.Code(err) != codes.Canceled || s.server.Billed() != 0 {
			t.Errorf("got %v, %d annotated", err, s.server.Billed())
		}
	})
	t.Run("fetching_ends_with_the_call", func(t *testing.T) {
		s, _ := newServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		defer web.Close()
		_, err := s.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{
			asking(&visionpb.Image{Source: &visionpb.ImageSource{ImageUri: web.URL}}, visionpb.Feature_FACE_DETECTION),
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
		t.Run(want.String()+"_begins_where_it_should", func(t *testing.T) {
			if got := likelihood(p); got != want {
				t.Errorf("%v is %v", p, got)
			}
		})
	}
}
