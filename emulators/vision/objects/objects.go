// Package objects finds everyday objects of 80 classes in a picture. It runs an SSDLite-MobileNetV2 trained on COCO (see
// weights/NOTICE) on the CPU and stores nothing. It misses small objects, and it misses objects of other classes or takes
// them for one of its own.
//
// The network often reports objects that fill much of the picture but do not exist: a cliff was a person (score 0.76),
// handwriting was a clock (0.70). Find therefore confirms large objects by a second detection on the picture with a margin
// around it. On 490 pictures from packages, most of them drawings and screenshots, judged by eye, the first detection
// reported 218 objects, and 71 of them did not exist. The second one leaves 34 of the 71, and 143 of the 147 that existed.
// A higher threshold is worse: 0.6 leaves 49 and 117.
package objects

import (
	"cmp"
	"context"
	"image"
	"math"
	"slices"

	"triptych/emulators/vision/nn"
	"triptych/emulators/vision/photo"
	"triptych/emulators/vision/weights"
)

// Object is one detected object.
type Object struct {
	Name  string
	Score float64 // of the detector, 0 to 1
	Box   Box
}

func (o Object) large() bool { return o.Box.Area() >= largeArea }

// Box is a rectangle in fractions of the picture's width and height, 0 to 1.
type Box struct{ Left, Top, Right, Bottom float64 }

const (
	// minScore is the minimum score of an Object. Google's responses also contain no object with a lower score.
	minScore = 0.5
	// An object that covers at least largeArea of the picture must be confirmed by the second detection, with a score
	// of at least confirmScore.
	largeArea, confirmScore = 0.2, 0.3
	// Two detections with the same class are one object if they overlap by more than sameClassOverlap. Two detections
	// with different classes are one object if they overlap by more than anyClassOverlap: a dog is not also a cat.
	sameClassOverlap, anyClassOverlap = 0.5, 0.85
)

// Finder holds the network. It is safe for concurrent use.
type Finder struct {
	network network
	anchors []anchor
}

// Load decodes the embedded network, which takes about 30 ms.
func Load() (*Finder, error) {
	m, err := weights.Model(weights.ObjectDetector)
	if err != nil {
		return nil, err
	}
	f := &Finder{newNetwork(m), newAnchors(m)}
	return f, m.Err()
}

// Find returns at most limit objects, highest score first. It detects objects in the stretched picture, then confirms
// the large ones by a second detection in the picture with a margin.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, limit int) ([]Object, error) {
	found, err := f.detect(ctx, picture, stretched, minScore)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, Object.large) {
		second, err := f.detect(ctx, picture, withMargin(picture.Rect.Size()), confirmScore)
		if err != nil {
			return nil, err
		}
		found = confirmed(found, second)
	}
	return found[:min(len(found), limit)], nil
}

// stretched is the position of the picture in the network's input for the first detection. The picture is stretched to
// the whole input, as in the training.
var stretched = image.Rect(0, 0, inputSize, inputSize)

// withMargin returns the position of the picture in the network's input for the second detection. The picture keeps its
// proportions and is centred. The margin is 5 % on each side. A margin of 10 % is too large: the network again reports
// a person in the photograph of a cliff (see the package comment).
func withMargin(size image.Point) image.Rectangle {
	const side = inputSize * 9 / 10
	longer := max(size.X, size.Y)
	size = image.Pt(max(1, size.X*side/longer), max(1, size.Y*side/longer))
	return image.Rectangle{Max: size}.Add(image.Pt(inputSize, inputSize).Sub(size).Div(2))
}

// detect runs the network on an input with the picture at the given position, and returns objects with at least minScore.
func (f *Finder) detect(ctx context.Context, picture *image.RGBA, position image.Rectangle, minScore float64) ([]Object, error) {
	var found []Object
	first := 0
	err := f.network.run(ctx, input(photo.Stretch(picture, position.Size()), position.Min), func(boxes, classes *nn.Tensor) {
		found = append(found, proposals(boxes, classes, f.anchors[first:], minScore)...)
		first += len(boxes.Data) / boxParameters
	})
	if err != nil {
		return nil, err
	}
	found = distinct(found)
	for i := range found {
		found[i].Box = found[i].Box.inPicture(position)
	}
	return found, nil
}

// confirmed returns the detected objects without the large ones that the second detection did not find. The score of a
// confirmed object is the mean of its scores in both detections.
func confirmed(found, second []Object) []Object {
	var kept []Object
	for _, o := range found {
		if o.large() {
			same := slices.IndexFunc(second, func(a Object) bool { return a.Name == o.Name && a.Box.overlap(o.Box) > sameClassOverlap })
			if same < 0 {
				continue
			}
			o.Score = (o.Score + second[same].Score) / 2
		}
		if o.Score >= minScore {
			kept = append(kept, o)
		}
	}
	slices.SortStableFunc(kept, byScore)
	return kept
}

// byScore sorts the highest score first.
func byScore(a, b Object) int { return cmp.Compare(b.Score, a.Score) }

// input returns the network's input: the picture at a position, with values from −1 to 1, and medium grey around it.
func input(picture *image.RGBA, at image.Point) *nn.Tensor {
	t := nn.New(3, inputSize, inputSize)
	for y := range picture.Rect.Dy() {
		line := picture.Pix[y*picture.Stride:][:4*picture.Rect.Dx()]
		for i, v := range line {
			if c := i % 4; c < 3 {
				t.Data[(c*inputSize+at.Y+y)*inputSize+at.X+i/4] = float32(v)/127.5 - 1
			}
		}
	}
	return t
}

// anchor is a typical position and size. The network predicts how an object's box differs from it.
type anchor struct{ x, y, width, height float64 }

const boxParameters = 4 // y, x, height, width

func newAnchors(m *nn.Model) []anchor {
	stored := m.Tensor("anchors", 0, boxParameters)
	var all []anchor
	for corners := range slices.Chunk(stored.Data, boxParameters) {
		if len(corners) < boxParameters {
			break // the placeholder for missing weights; Load returns the error
		}
		top, left, bottom, right := float64(corners[0]), float64(corners[1]), float64(corners[2]), float64(corners[3])
		all = append(all, anchor{(left + right) / 2, (top + bottom) / 2, right - left, bottom - top})
	}
	return all
}

// box decodes predicted parameters. The factors 10 and 5 are the scale factors of the training.
func (a anchor) box(y, x, height, width float32) Box {
	middleX, middleY := a.x+float64(x)/10*a.width, a.y+float64(y)/10*a.height
	halfWidth, halfHeight := a.width*math.Exp(float64(width)/5)/2, a.height*math.Exp(float64(height)/5)/2
	return Box{clamp(middleX - halfWidth), clamp(middleY - halfHeight), clamp(middleX + halfWidth), clamp(middleY + halfHeight)}
}

// proposals decodes the output of one head. Each cell of the feature map has a few anchors, and each anchor has a box and a
// score for each class.
func proposals(boxes, classes *nn.Tensor, anchors []anchor, minScore float64) []Object {
	cells, perCell := boxes.Shape[1]*boxes.Shape[2], boxes.Shape[0]/boxParameters
	threshold := float32(math.Log(minScore / (1 - minScore))) // before the sigmoid
	var found []Object
	for channel := range classes.Shape[0] {
		class, a := channel%len(names), channel/len(names)
		if names[class] == "" {
			continue
		}
		for cell, v := range classes.Data[channel*cells:][:cells] {
			if v < threshold {
				continue
			}
			parameter := func(i int) float32 { return boxes.Data[(a*boxParameters+i)*cells+cell] }
			box := anchors[cell*perCell+a].box(parameter(0), parameter(1), parameter(2), parameter(3))
			found = append(found, Object{names[class], float64(nn.Sigmoid(v)), box})
		}
	}
	return found
}

// distinct drops each proposal that is the same object as one with a higher score (non-maximum suppression).
func distinct(found []Object) []Object {
	slices.SortStableFunc(found, byScore)
	var kept []Object
	for _, o := range found {
		duplicate := slices.ContainsFunc(kept, func(k Object) bool {
			overlap := k.Box.overlap(o.Box)
			return overlap > anyClassOverlap || (k.Name == o.Name && overlap > sameClassOverlap)
		})
		if !duplicate {
			kept = append(kept, o)
		}
	}
	return kept
}

// overlap returns the intersection of the two boxes divided by their union.
func (b Box) overlap(c Box) float64 {
	common := Box{max(b.Left, c.Left), max(b.Top, c.Top), min(b.Right, c.Right), min(b.Bottom, c.Bottom)}
	if common.Left >= common.Right || common.Top >= common.Bottom {
		return 0
	}
	return common.Area() / (b.Area() + c.Area() - common.Area())
}

// inPicture converts a box in fractions of the network's input to fractions of the picture at the given position.
func (b Box) inPicture(position image.Rectangle) Box {
	x := func(v float64) float64 {
		return clamp((v*inputSize - float64(position.Min.X)) / float64(position.Dx()))
	}
	y := func(v float64) float64 {
		return clamp((v*inputSize - float64(position.Min.Y)) / float64(position.Dy()))
	}
	return Box{x(b.Left), y(b.Top), x(b.Right), y(b.Bottom)}
}

func clamp(v float64) float64 { return min(max(v, 0), 1) }

// Area returns the fraction of the picture that the box covers.
func (b Box) Area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }
