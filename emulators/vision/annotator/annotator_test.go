package annotator_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	xdraw "golang.org/x/image/draw"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/annotator"
)

// listen starts a server that ends with ctx. The channel receives what Serve returned.
func listen(ctx context.Context, t testing.TB, change ...func(*annotator.Server)) (*annotator.Server, net.Addr, <-chan error) {
	t.Helper()
	server, err := annotator.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(server)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(ctx, ln) }()
	return server, ln.Addr(), stopped
}

func serve(t testing.TB, change ...func(*annotator.Server)) (*annotator.Server, *vision.ImageAnnotatorClient) {
	t.Helper()
	server, addr, stopped := listen(t.Context(), t, change...)
	client := connect(t, addr)
	t.Cleanup(func() {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return server, client
}

func connect(t testing.TB, addr net.Addr) *vision.ImageAnnotatorClient {
	t.Helper()
	client, err := vision.NewImageAnnotatorClient(t.Context(), option.WithEndpoint(addr.String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func photograph(t testing.TB, name string) *visionpb.Image {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return &visionpb.Image{Content: data}
}

// plain returns a JPEG of one colour.
func plain(t testing.TB, c color.Color) *visionpb.Image {
	t.Helper()
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	draw.Draw(picture, picture.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		t.Fatal(err)
	}
	return &visionpb.Image{Content: out.Bytes()}
}

func features(types ...visionpb.Feature_Type) []*visionpb.Feature {
	var all []*visionpb.Feature
	for _, kind := range types {
		all = append(all, &visionpb.Feature{Type: kind})
	}
	return all
}

var (
	face   = features(visionpb.Feature_FACE_DETECTION)
	colour = features(visionpb.Feature_IMAGE_PROPERTIES)
	both   = slices.Concat(face, colour)

	everything = features(visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION,
		visionpb.Feature_LABEL_DETECTION, visionpb.Feature_IMAGE_PROPERTIES)
)

func batch(requests ...*visionpb.AnnotateImageRequest) *visionpb.BatchAnnotateImagesRequest {
	return &visionpb.BatchAnnotateImagesRequest{Requests: requests}
}

func one(t testing.TB, client *vision.ImageAnnotatorClient, image *visionpb.Image, features []*visionpb.Feature) *visionpb.AnnotateImageResponse {
	t.Helper()
	response, err := client.BatchAnnotateImages(t.Context(), batch(&visionpb.AnnotateImageRequest{Image: image, Features: features}))
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Responses) != 1 {
		t.Fatalf("got %d responses for 1 image", len(response.Responses))
	}
	return response.Responses[0]
}

func TestFaces(t *testing.T) {
	server, client := serve(t)
	t.Run("astronaut_is_one_joyful_face", func(t *testing.T) {
		response := one(t, client, photograph(t, "astronaut.jpg"), both)
		if response.Error != nil || len(response.FaceAnnotations) != 1 || len(response.ImagePropertiesAnnotation.GetDominantColors().GetColors()) < 5 {
			t.Fatalf("got %v", response)
		}
		checkAstronaut(t, response.FaceAnnotations[0])
	})
	for _, name := range []string{"coffee.jpg", "rocket.jpg"} {
		t.Run(strings.TrimSuffix(name, ".jpg")+"_has_no_face", func(t *testing.T) {
			response := one(t, client, photograph(t, name), face)
			if response.Error != nil || len(response.FaceAnnotations) != 0 || response.ImagePropertiesAnnotation != nil {
				t.Errorf("got %v", response)
			}
		})
	}
	t.Run("annotated_images_are_billed", func(t *testing.T) {
		if n := server.Billed(); n != 3 {
			t.Errorf("%d images were billed, want 3", n)
		}
	})
}

func checkAstronaut(t *testing.T, got *visionpb.FaceAnnotation) {
	t.Helper()
	for i, want := range [][2]float64{{163, 76}, {278, 76}, {278, 188}, {163, 188}} {
		if v := got.BoundingPoly.Vertices[i]; math.Hypot(float64(v.X)-want[0], float64(v.Y)-want[1]) > 12 {
			t.Errorf("corner %d is %v, want %v", i, v, want)
		}
	}
	outer, inner := got.BoundingPoly.Vertices, got.FdBoundingPoly.Vertices
	if inner[0].X <= outer[0].X || inner[0].Y <= outer[0].Y || inner[2].X >= outer[2].X || inner[2].Y >= outer[2].Y {
		t.Errorf("fdBoundingPoly %v is not inside boundingPoly %v", inner, outer)
	}
	for _, want := range []struct {
		kind visionpb.FaceAnnotation_Landmark_Type
		x, y float64
	}{
		{visionpb.FaceAnnotation_Landmark_LEFT_EYE, 205, 101},
		{visionpb.FaceAnnotation_Landmark_RIGHT_EYE, 247, 103},
		{visionpb.FaceAnnotation_Landmark_NOSE_TIP, 224, 127},
		{visionpb.FaceAnnotation_Landmark_MOUTH_LEFT, 202, 139},
		{visionpb.FaceAnnotation_Landmark_MOUTH_RIGHT, 245, 141},
		{visionpb.FaceAnnotation_Landmark_MOUTH_CENTER, 223, 145},
		{visionpb.FaceAnnotation_Landmark_CHIN_GNATHION, 222, 177},
	} {
		i := slices.IndexFunc(got.Landmarks, func(l *visionpb.FaceAnnotation_Landmark) bool { return l.Type == want.kind })
		if i < 0 {
			t.Errorf("%v is missing", want.kind)
		} else if p := got.Landmarks[i].Position; math.Hypot(float64(p.X)-want.x, float64(p.Y)-want.y) > 6 || p.Z != 0 {
			t.Errorf("%v is at %v, want (%v,%v)", want.kind, p, want.x, want.y)
		}
	}
	if got.DetectionConfidence < 0.9 || got.LandmarkingConfidence < 0.5 || math.Abs(float64(got.RollAngle)) > 8 {
		t.Errorf("confidence %v and %v, roll %v", got.DetectionConfidence, got.LandmarkingConfidence, got.RollAngle)
	}
	if got.JoyLikelihood != visionpb.Likelihood_VERY_LIKELY || got.SorrowLikelihood != visionpb.Likelihood_VERY_UNLIKELY ||
		got.AngerLikelihood != visionpb.Likelihood_VERY_UNLIKELY || got.SurpriseLikelihood != visionpb.Likelihood_VERY_UNLIKELY {
		t.Errorf("want joy and no other expression: %v", got)
	}
	if got.BlurredLikelihood != visionpb.Likelihood_UNKNOWN || got.UnderExposedLikelihood != 0 || got.HeadwearLikelihood != 0 || got.PanAngle != 0 {
		t.Errorf("want UNKNOWN for what is not measured: %v", got)
	}
}

func TestLargePicture(t *testing.T) {
	_, client := serve(t)
	t.Run("positions_are_in_pixels_of_the_original", func(t *testing.T) {
		small, err := jpeg.Decode(bytes.NewReader(photograph(t, "astronaut.jpg").Content))
		if err != nil {
			t.Fatal(err)
		}
		large := image.NewRGBA(image.Rect(0, 0, 3*512, 3*512))
		xdraw.NearestNeighbor.Scale(large, large.Rect, small, small.Bounds(), xdraw.Src, nil)
		var out bytes.Buffer
		if err := jpeg.Encode(&out, large, nil); err != nil {
			t.Fatal(err)
		}
		response := one(t, client, &visionpb.Image{Content: out.Bytes()}, face)
		if len(response.FaceAnnotations) != 1 {
			t.Fatalf("got %v", response)
		}
		corner := response.FaceAnnotations[0].BoundingPoly.Vertices[0]
		if math.Hypot(float64(corner.X)-3*163, float64(corner.Y)-3*76) > 36 {
			t.Errorf("the corner of the face is %v", corner)
		}
	})
}

func TestColours(t *testing.T) {
	_, client := serve(t)
	t.Run("red_picture_has_one_colour", func(t *testing.T) {
		got := one(t, client, plain(t, color.RGBA{255, 0, 0, 255}), colour).GetImagePropertiesAnnotation().GetDominantColors().GetColors()
		if len(got) != 1 || got[0].PixelFraction < 0.999 || got[0].Score < 0.999 || got[0].Color.Red < 250 || got[0].Color.Green > 5 || got[0].Color.Blue > 5 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("maxResults_is_respected", func(t *testing.T) {
		feature := &visionpb.Feature{Type: visionpb.Feature_IMAGE_PROPERTIES, MaxResults: 3}
		got := one(t, client, photograph(t, "coffee.jpg"), []*visionpb.Feature{feature})
		if n := len(got.GetImagePropertiesAnnotation().GetDominantColors().GetColors()); n != 3 {
			t.Errorf("got %d colours", n)
		}
	})
}

func TestCallErrors(t *testing.T) {
	server, client := serve(t)
	request := &visionpb.AnnotateImageRequest{Image: plain(t, color.White), Features: colour}
	for name, tt := range map[string]struct {
		request *visionpb.BatchAnnotateImagesRequest
		message string
	}{
		"no_image":         {batch(), "1 to 16 images"},
		"17_images":        {batch(slices.Repeat([]*visionpb.AnnotateImageRequest{request}, 17)...), "1 to 16 images"},
		"more_than_10_MiB": {batch(&visionpb.AnnotateImageRequest{Image: &visionpb.Image{Content: make([]byte, 10<<20)}}), "Request payload size exceeds the limit: 10485760 bytes."},
		"40_MB":            {batch(&visionpb.AnnotateImageRequest{Image: &visionpb.Image{Content: make([]byte, 40_000_000)}}), "Request payload size exceeds the limit: 10485760 bytes."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.BatchAnnotateImages(t.Context(), tt.request)
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("responses_of_16_images_are_in_order", func(t *testing.T) {
		requests := slices.Repeat([]*visionpb.AnnotateImageRequest{request}, 16)
		requests[7] = &visionpb.AnnotateImageRequest{Image: &visionpb.Image{Content: []byte("junk")}, Features: colour}
		response, err := client.BatchAnnotateImages(t.Context(), batch(requests...))
		if err != nil || len(response.Responses) != 16 {
			t.Fatalf("got %v, %v", response, err)
		}
		for i, r := range response.Responses {
			if (r.Error != nil) != (i == 7) {
				t.Errorf("image %d: %v", i, r)
			}
		}
		if n := server.Billed(); n != 15 {
			t.Errorf("%d images were billed, want 15", n)
		}
	})
	t.Run("other_methods_are_unimplemented", func(t *testing.T) {
		_, err := client.BatchAnnotateFiles(t.Context(), &visionpb.BatchAnnotateFilesRequest{Requests: []*visionpb.AnnotateFileRequest{{}}})
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("got %v", err)
		}
	})
}
