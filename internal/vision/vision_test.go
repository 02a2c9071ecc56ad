package vision

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/emulators/vision/annotator"
)

const photo = "../../emulators/vision/testdata/astronaut.jpg"

func startEmulator(t *testing.T) (emulator *annotator.Server, address string) {
	t.Helper()
	emulator, err := annotator.New()
	if err != nil {
		t.Fatal(err)
	}
	emulator.CacheDetections()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- emulator.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return emulator, l.Addr().String()
}

func openClient(t *testing.T, c Config) *visionapi.ImageAnnotatorClient {
	t.Helper()
	client, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func annotate(ctx context.Context, client *visionapi.ImageAnnotatorClient, image *visionpb.Image, features string) error {
	parsed, err := ParseFeatures(features)
	if err != nil {
		return err
	}
	response, err := client.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{
		Requests: []*visionpb.AnnotateImageRequest{{Image: image, Features: parsed}},
	})
	if err != nil {
		return err
	}
	if len(response.Responses) != 1 {
		return errors.New("the response does not have exactly one annotation")
	}
	if s := response.Responses[0].GetError(); s != nil {
		return ExplainImage(s, len(image.Content) > 0)
	}
	return nil
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func photoURL(t *testing.T) string {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, photo) }))
}

func TestParseFeatures(t *testing.T) {
	for name, c := range map[string]struct {
		list string
		want []visionpb.Feature_Type
	}{
		"empty_list_is_the_default": {"", []visionpb.Feature_Type{
			visionpb.Feature_LABEL_DETECTION, visionpb.Feature_FACE_DETECTION, visionpb.Feature_LANDMARK_DETECTION,
			visionpb.Feature_LOGO_DETECTION, visionpb.Feature_IMAGE_PROPERTIES, visionpb.Feature_OBJECT_LOCALIZATION,
			visionpb.Feature_SAFE_SEARCH_DETECTION,
		}},
		"single_feature": {"FACE_DETECTION", []visionpb.Feature_Type{visionpb.Feature_FACE_DETECTION}},
		"order_is_kept_and_spaces_are_trimmed": {" TEXT_DETECTION , FACE_DETECTION\n",
			[]visionpb.Feature_Type{visionpb.Feature_TEXT_DETECTION, visionpb.Feature_FACE_DETECTION}},
	} {
		t.Run(name, func(t *testing.T) {
			features, err := ParseFeatures(c.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []visionpb.Feature_Type
			for _, f := range features {
				got = append(got, f.Type)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	for name, list := range map[string]string{
		"unknown_feature":     "FACE_DETECTION,MOOD_DETECTION",
		"lower_case":          "face_detection",
		"unspecified_feature": "TYPE_UNSPECIFIED",
		"trailing_comma":      "FACE_DETECTION,",
		"only_a_space":        " ",
		"number":              "1",
		"duplicate":           "FACE_DETECTION,TEXT_DETECTION, FACE_DETECTION",
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			features, err := ParseFeatures(list)
			if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_FEATURES") {
				t.Errorf("got %v, %v, want an error that names TRIPTYCH_FEATURES", features, err)
			}
		})
	}
}
