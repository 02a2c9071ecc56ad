package vision

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/emulators/vision/annotator"
	"triptych/internal/vision/features"
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

func annotate(ctx context.Context, client *visionapi.ImageAnnotatorClient, image *visionpb.Image, list string) error {
	parsed, err := features.Parse(list)
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
