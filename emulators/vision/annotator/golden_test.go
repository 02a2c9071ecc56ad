package annotator_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/emulators/vision/photo"
)

var golden = []struct {
	photograph string
	content    string
	faces      []goldenFace
	objects    []goldenObject
	labels     []string
}{
	{"astronaut", "a smiling portrait",
		[]goldenFace{{0.98, box{168, 70, 279, 183}, "joy"}},
		[]goldenObject{{"Person", 0.73, box{31, 15, 367, 473}}},
		[]string{"Face", "Person", "Smile"}},
	{"rotated", "the same, stored on its side, with an Exif tag",
		[]goldenFace{{0.98, box{168, 70, 279, 183}, "joy"}},
		[]goldenObject{{"Person", 0.72, box{31, 15, 367, 473}}},
		[]string{"Face", "Person", "Smile"}},
	{"dark", "a smiling portrait, at an eighth of the brightness",
		[]goldenFace{{0.96, box{169, 74, 275, 182}, "joy"}},
		[]goldenObject{{"Person", 0.83, box{10, 13, 364, 508}}},
		[]string{"Darkness", "Face", "Person", "Smile"}},
	{"webcam", "a man at his desk, webcam",
		[]goldenFace{{0.99, box{245, 171, 458, 394}, "joy"}},
		[]goldenObject{{"Person", 0.81, box{99, 78, 640, 480}}},
		[]string{"Face", "Person", "Smile"}},
	{"desk", "a man at his desk, a cup in front",
		[]goldenFace{{0.99, box{494, 214, 915, 663}, "joy"}},
		[]goldenObject{{"Cup", 0.83, box{71, 377, 412, 690}}, {"Person", 0.75, box{262, 3, 1274, 720}}},
		[]string{"Face", "Person", "Smile", "Cup", "Tableware"}},
	{"people", "three people, one in profile",
		[]goldenFace{{0.98, box{480, 237, 799, 601}, "joy"}, {0.97, box{151, 82, 310, 258}, "joy"}, {0.95, box{1123, 142, 1229, 272}, "anger?"}},
		[]goldenObject{{"Person", 0.89, box{849, 78, 1274, 718}}, {"Person", 0.83, box{403, 88, 907, 719}}, {"Person", 0.82, box{1, 19, 415, 718}}},
		[]string{"Face", "Person", "Smile", "Group of people"}},
	{"cameraman", "a man behind a camera, in black and white",
		[]goldenFace{{0.75, box{197, 121, 263, 201}, ""}},
		[]goldenObject{{"Person", 0.90, box{1, 66, 312, 509}}},
		[]string{"Black and white", "Person", "Face"}},
	{"coffee", "a cup of coffee on a table", nil,
		[]goldenObject{{"Cup", 0.97, box{174, 21, 411, 245}}, {"Dining table", 0.68, box{0, 4, 600, 395}}},
		[]string{"Cup", "Tableware", "Dining table", "Furniture"}},
	{"chelsea", "a cat", nil,
		[]goldenObject{{"Cat", 0.96, box{0, 2, 397, 299}}},
		[]string{"Animal", "Cat", "Brown"}},
	{"bicycle", "a dog before a bicycle, a car behind", nil,
		[]goldenObject{{"Bicycle", 0.91, box{132, 114, 570, 429}}, {"Dog", 0.90, box{131, 218, 318, 542}}, {"Car", 0.86, box{458, 81, 692, 172}}},
		[]string{"Bicycle", "Vehicle", "Animal", "Dog", "Car"}},
	{"rocket", "a rocket on its pad at dusk", nil, nil, []string{"Blue"}},
	{"tulips", "a field of tulips", nil, nil, nil},
	{"blossom", "a branch in blossom", nil, nil, nil},
	{"coins", "old coins in black and white; the head on one is found as a face",
		[]goldenFace{{0.48, box{28, 178, 61, 216}, "sorrow?"}}, nil, []string{"Black and white"}},
	{"cliff", "a cliff over a lake, in black and white", nil, nil, []string{"Black and white"}},
	{"handwriting", "a handwritten formula, in black and white", nil, nil, []string{"Black and white"}},
}

type goldenFace struct {
	score      float64
	box        box
	expression string // see the function expression
}

type goldenObject struct {
	name  string
	score float64
	box   box
}

type box struct{ left, top, right, bottom float64 } // in pixels of the upright picture

// Tolerances: processors and JPEG decoders round differently.
const (
	pixels = 12
	score  = 0.05
)

var responses = map[string]*visionpb.AnnotateImageResponse{}

func cachedResponse(t *testing.T, client *vision.ImageAnnotatorClient, name string) *visionpb.AnnotateImageResponse {
	t.Helper()
	if responses[name] == nil {
		responses[name] = one(t, client, photograph(t, name+".jpg"), everything)
	}
	return responses[name]
}

func TestGolden(t *testing.T) {
	_, client := serve(t)
	for _, want := range golden {
		t.Run(want.photograph, func(t *testing.T) {
			got := cachedResponse(t, client, want.photograph)
			if got.Error != nil {
				t.Fatal(got.Error)
			}
			if len(got.FaceAnnotations) != len(want.faces) || len(got.LocalizedObjectAnnotations) != len(want.objects) {
				t.Fatalf("got %d faces, objects %v", len(got.FaceAnnotations), got.LocalizedObjectAnnotations)
			}
			for i, f := range want.faces {
				face := got.FaceAnnotations[i]
				if got := expression(face); got != f.expression || !near(face.DetectionConfidence, f.score) {
					t.Errorf("face %d has %q, %.2f, want %q, %.2f", i+1, got, face.DetectionConfidence, f.expression, f.score)
				}
				f.box.check(t, "a face", boxOfPixels(face.BoundingPoly))
			}
			upright, err := photo.Decode(photograph(t, want.photograph+".jpg").Content)
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range want.objects {
				object := got.LocalizedObjectAnnotations[i]
				if object.Name != o.name || !near(object.Score, o.score) || object.Mid != "" {
					t.Errorf("object %d is %v, want %v", i+1, object, o)
				}
				o.box.check(t, o.name, boxOfFractions(object.BoundingPoly, upright))
			}
			if names := descriptions(got.LabelAnnotations); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want.labels))) {
				t.Errorf("labels are %q, want %q", names, want.labels)
			}
		})
	}
}

func near(got float32, want float64) bool { return math.Abs(float64(got)-want) <= score }

func (want box) check(t *testing.T, name string, got box) {
	t.Helper()
	if max(math.Abs(got.left-want.left), math.Abs(got.top-want.top), math.Abs(got.right-want.right), math.Abs(got.bottom-want.bottom)) > pixels {
		t.Errorf("%s is at %.0f, want %.0f", name, got, want)
	}
}

func boxOfPixels(p *visionpb.BoundingPoly) box {
	v := p.Vertices
	return box{float64(v[0].X), float64(v[0].Y), float64(v[2].X), float64(v[2].Y)}
}

func boxOfFractions(p *visionpb.BoundingPoly, of *photo.Photo) box {
	v, width, height := p.NormalizedVertices, float64(of.Width), float64(of.Height)
	return box{float64(v[0].X) * width, float64(v[0].Y) * height, float64(v[2].X) * width, float64(v[2].Y) * height}
}

// expression returns, for example, "joy, anger?". The question mark stands for the likelihood POSSIBLE.
func expression(f *visionpb.FaceAnnotation) string {
	var names []string
	for _, e := range []struct {
		name       string
		likelihood visionpb.Likelihood
	}{{"joy", f.JoyLikelihood}, {"sorrow", f.SorrowLikelihood}, {"anger", f.AngerLikelihood}, {"surprise", f.SurpriseLikelihood}} {
		switch e.likelihood {
		case visionpb.Likelihood_VERY_LIKELY, visionpb.Likelihood_LIKELY:
			names = append(names, e.name)
		case visionpb.Likelihood_POSSIBLE:
			names = append(names, e.name+"?")
		}
	}
	return strings.Join(names, ", ")
}

func descriptions(labels []*visionpb.EntityAnnotation) []string {
	var names []string
	for _, l := range labels {
		names = append(names, l.Description)
	}
	return names
}
