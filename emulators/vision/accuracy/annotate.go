package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"slices"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/objects"
	"triptych/emulators/vision/photo"
)

const maxResults = 100

// result is what the emulator found in a photograph.
type result struct {
	photograph
	missing string // why the photograph was not sent
	refused string // why the emulator did not annotate it
	found   findings
}

type findings struct {
	faces           []box // highest score first
	objects, labels []string
}

func annotate(ctx context.Context, addr string, manifest []photograph, cache string) ([]result, error) {
	client, err := vision.NewImageAnnotatorClient(ctx, option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		return nil, fmt.Errorf("connecting to the emulator: %w", err)
	}
	defer client.Close()
	client.CallOptions = &vision.ImageAnnotatorCallOptions{} // the default repeats a call for ten minutes if nothing listens
	var results []result
	for i, p := range manifest {
		r := result{photograph: p}
		if data, err := readCached(cache, p); err != nil {
			r.missing = err.Error()
			progress("%s is missing: %v", p, err)
		} else if r.found, err = annotateOne(ctx, client, data, changes[p.change]); err != nil {
			if ctx.Err() != nil || status.Code(err) == codes.Unavailable {
				return nil, cmp.Or(ctx.Err(), err)
			}
			r.refused = err.Error()
			progress("%s is refused: %v", p, err)
		}
		results = append(results, r)
		if (i+1)%20 == 0 || i+1 == len(manifest) {
			progress("%d of %d photographs", i+1, len(manifest))
		}
	}
	return results, nil
}

func annotateOne(ctx context.Context, client *vision.ImageAnnotatorClient, data []byte, change func(*image.RGBA) *image.RGBA) (findings, error) {
	upright, err := photo.Decode(data)
	if err != nil {
		return findings{}, err
	}
	width, height := upright.Width, upright.Height
	if change != nil {
		changed := change(upright.Pixels)
		var out bytes.Buffer
		if err := jpeg.Encode(&out, changed, &jpeg.Options{Quality: 90}); err != nil {
			return findings{}, err
		}
		data, width, height = out.Bytes(), changed.Rect.Dx(), changed.Rect.Dy()
	}
	request := &visionpb.AnnotateImageRequest{Image: &visionpb.Image{Content: data}}
	for _, feature := range []visionpb.Feature_Type{
		visionpb.Feature_FACE_DETECTION, visionpb.Feature_OBJECT_LOCALIZATION, visionpb.Feature_LABEL_DETECTION,
	} {
		request.Features = append(request.Features, &visionpb.Feature{Type: feature, MaxResults: maxResults})
	}
	batch, err := client.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{Requests: []*visionpb.AnnotateImageRequest{request}})
	if err != nil {
		return findings{}, err
	}
	response := batch.Responses[0]
	if response.Error != nil {
		return findings{}, fmt.Errorf("the emulator answers: %s", response.Error.Message)
	}
	return read(response, width, height), nil
}

func read(response *visionpb.AnnotateImageResponse, width, height int) findings {
	var f findings
	x := func(v *visionpb.Vertex) float64 { return 1000 * float64(v.X) / float64(width) }
	y := func(v *visionpb.Vertex) float64 { return 1000 * float64(v.Y) / float64(height) }
	for _, face := range response.FaceAnnotations {
		corners := face.BoundingPoly.Vertices
		f.faces = append(f.faces, box{x(corners[0]), y(corners[0]), x(corners[2]), y(corners[2])})
	}
	for _, o := range response.LocalizedObjectAnnotations {
		f.objects = append(f.objects, o.Name)
	}
	for _, l := range response.LabelAnnotations {
		// The manifest does not say which of the other labels apply, such as colours and expressions.
		if l.Description == faceLabel || slices.Contains(objects.Names(), l.Description) {
			f.labels = append(f.labels, l.Description)
		}
	}
	return f
}

// changes make photographs of kinds that the packages have too few of.
var changes = map[string]func(*image.RGBA) *image.RGBA{"dark": darkened, "pair": paired}

// darkened divides the brightness by 8.
func darkened(from *image.RGBA) *image.RGBA {
	to := image.NewRGBA(from.Rect)
	for i, v := range from.Pix {
		if i%4 < 3 { // not the opacity
			v /= 8
		}
		to.Pix[i] = v
	}
	return to
}

// paired shows the photograph beside its mirror image, so that one person becomes two.
func paired(from *image.RGBA) *image.RGBA {
	width, height := from.Rect.Dx(), from.Rect.Dy()
	to := image.NewRGBA(image.Rect(0, 0, 2*width, height))
	for y := range height {
		for x := range width {
			c := from.RGBAAt(x, y)
			to.SetRGBA(x, y, c)
			to.SetRGBA(2*width-1-x, y, c)
		}
	}
	return to
}
