package annotator_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/color"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
)

// hugePNG announces 100 megapixels in 33 bytes.
func hugePNG() []byte {
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, 10_000)
	header = binary.BigEndian.AppendUint32(header, 10_000)
	header = append(header, 8, 2, 0, 0, 0)
	out := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	return binary.BigEndian.AppendUint32(append(out, header...), crc32.ChecksumIEEE(header))
}

// /hop/3 redirects three times.
func startPictures(t *testing.T) string {
	red := plain(t, color.RGBA{255, 0, 0, 255}).Content
	mux := http.NewServeMux()
	mux.HandleFunc("/red.jpg", func(w http.ResponseWriter, _ *http.Request) { w.Write(red) })
	mux.HandleFunc("/20MB.jpg", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(append(bytes.Clone(red), make([]byte, 20_000_000-len(red))...))
	})
	mux.HandleFunc("/more.jpg", func(w http.ResponseWriter, _ *http.Request) {
		w.Write(append(bytes.Clone(red), make([]byte, 20_000_001-len(red))...))
	})
	mux.HandleFunc("/page.html", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	mux.HandleFunc("/cut.jpg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(red)
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/outside.jpg", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/red.jpg", http.StatusFound)
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := r.PathValue("n")[0]
		to := "/red.jpg"
		if n > '1' {
			to = "/hop/" + string(n-1)
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestImages(t *testing.T) {
	_, client := serve(t)
	web := startPictures(t)
	stopped := httptest.NewServer(nil)
	stopped.Close()
	content := func(data []byte) *visionpb.Image { return &visionpb.Image{Content: data} }
	uri := func(uri string) *visionpb.Image { return &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: uri}} }
	astronaut := photograph(t, "astronaut.jpg").Content
	red := plain(t, color.RGBA{255, 0, 0, 255})
	const (
		bad         = "Bad image data."
		unreachable = "We can not access the URL currently. Please download the content and pass it in."
		incomplete  = "Request must specify image and features."
	)
	for _, tt := range []struct {
		name     string
		image    *visionpb.Image
		features []*visionpb.Feature
		code     codes.Code
		message  string
	}{
		{"text_is_bad", content([]byte("no picture")), both, 3, bad},
		{"truncated_JPEG_is_bad", content(astronaut[:len(astronaut)/3]), both, 3, bad},
		{"100_megapixels_are_too_large", content(hugePNG()), both, 3, "Image too large. Please limit to 75 megapixels."},
		{"no_image_is_incomplete", nil, both, 3, incomplete},
		{"empty_source_is_incomplete", uri(""), both, 3, incomplete},
		{"no_feature_is_incomplete", red, nil, 3, incomplete},
		{"unsupported_feature_is_12", red, features(visionpb.Feature_SAFE_SEARCH_DETECTION), 12, "SAFE_SEARCH_DETECTION is not available"},
		{"unsupported_feature_among_others_is_12", red, append(features(visionpb.Feature_LOGO_DETECTION), both...), 12, "LOGO_DETECTION is not available"},
		{"unspecified_feature_is_3", red, features(0), 3, "Request has a feature of the unknown type TYPE_UNSPECIFIED."},
		{"unspecified_feature_among_others_is_3", red, append(features(0), both...), 3, "Request has a feature of the unknown type TYPE_UNSPECIFIED."},
		{"unknown_feature_is_3", red, features(99), 3, "Request has a feature of the unknown type 99."},

		{"URL_is_fetched", uri(web + "/red.jpg"), colour, 0, ""},
		{"localhost_is_fetched", uri(strings.Replace(web, "127.0.0.1", "localhost", 1) + "/red.jpg"), colour, 0, ""},
		{"name_under_localhost_is_fetched", uri(strings.Replace(web, "127.0.0.1", "bucket.localhost", 1) + "/red.jpg"), colour, 0, ""},
		{"3_redirects_are_followed", uri(web + "/hop/3"), colour, 0, ""},
		{"20_MB_are_accepted", uri(web + "/20MB.jpg"), colour, 0, ""},
		{"content_takes_precedence_over_URL", &visionpb.Image{Content: red.Content, Source: &visionpb.ImageSource{ImageUri: web + "/none"}}, colour, 0, ""},
		{"HTTP_URL_in_gcs_image_uri_is_fetched", &visionpb.Image{Source: &visionpb.ImageSource{GcsImageUri: web + "/red.jpg"}}, colour, 0, ""},
		{"more_than_20_MB_are_too_large", uri(web + "/more.jpg"), both, 3, "Image too large. Please limit to 20 megabytes."},
		{"HTML_page_is_bad", uri(web + "/page.html"), both, 3, bad},
		{"404_is_14", uri(web + "/none.jpg"), both, 14, unreachable},
		{"truncated_download_is_14", uri(web + "/cut.jpg"), both, 14, unreachable},
		{"4_redirects_are_14", uri(web + "/hop/4"), both, 14, unreachable},
		{"refused_connection_is_14", uri(stopped.URL), both, 14, unreachable},
		{"address_that_is_not_loopback_is_14", uri("http://192.0.2.1/red.jpg"), both, 14, unreachable},
		{"redirect_to_such_an_address_is_14", uri(web + "/outside.jpg"), both, 14, unreachable},
		{"file_URL_is_14", uri("file:///etc/passwd"), both, 14, unreachable},
		{"invalid_URL_is_14", uri("::"), both, 14, unreachable},
		{"gs_URL_is_7", uri("gs://bucket/red.jpg"), both, 7, "We're not allowed to access the URL on your behalf."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := one(t, client, tt.image, tt.features)
			if codes.Code(got.GetError().GetCode()) != tt.code || !strings.HasPrefix(got.GetError().GetMessage(), tt.message) {
				t.Fatalf("got %v, want %d %q", got.Error, tt.code, tt.message)
			}
			if annotated := got.ImagePropertiesAnnotation != nil; annotated != (tt.code == 0) || len(got.FaceAnnotations) > 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}
