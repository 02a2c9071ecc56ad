package annotator

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"net/http"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// noNetwork prevents the fuzzer from sending requests to other programs on this machine.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }

func FuzzRequest(f *testing.F) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		f.Fatal(err)
	}
	for _, request := range []*visionpb.AnnotateImageRequest{
		newRequest(&visionpb.Image{Content: picture.Bytes()}, visionpb.Feature_IMAGE_PROPERTIES),
		newRequest(&visionpb.Image{Content: picture.Bytes()}, visionpb.Feature_FACE_DETECTION, visionpb.Feature_LABEL_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION),
		newRequest(&visionpb.Image{Source: &visionpb.ImageSource{ImageUri: "http://127.0.0.1/a.jpg"}}, visionpb.Feature_FACE_DETECTION),
		newRequest(&visionpb.Image{Source: &visionpb.ImageSource{GcsImageUri: "gs://bucket/a.jpg"}}, visionpb.Feature_FACE_DETECTION),
		newRequest(nil, visionpb.Feature_WEB_DETECTION),
		{Features: []*visionpb.Feature{{Type: visionpb.Feature_FACE_DETECTION, MaxResults: -1}, {Type: 99, MaxResults: 1 << 30}}},
		nil,
	} {
		for _, parent := range []string{"", "projects/p/locations/eu", "projects/p"} {
			data, err := proto.Marshal(&visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{request, request}, Parent: parent})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	s, err := New()
	if err != nil {
		f.Fatal(err)
	}
	s.client = &http.Client{Transport: noNetwork{}}
	f.Fuzz(func(t *testing.T, data []byte) {
		request := &visionpb.BatchAnnotateImagesRequest{}
		if proto.Unmarshal(data, request) != nil {
			return
		}
		response, err := s.BatchAnnotateImages(t.Context(), request)
		if n := len(request.Requests); n < 1 || n > maxImages || request.Parent != "" && !validParent.MatchString(request.Parent) {
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%d images of %q: %v", n, request.Parent, err)
			}
			return
		}
		if err != nil || len(response.Responses) != len(request.Requests) {
			t.Fatalf("%d responses, error %v, for %d images", len(response.GetResponses()), err, len(request.Requests))
		}
		for _, r := range response.Responses {
			if r.Error != nil && (r.Error.Code == int32(codes.OK) || r.Error.Code == int32(codes.Internal) || r.Error.Message == "" || proto.Size(r) > 1<<10) {
				t.Errorf("got %v", r)
			}
		}
	})
}
