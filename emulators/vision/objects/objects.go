// Package objects finds everyday objects of 80 classes in a picture. It uses the network SSDLite-MobileNetV2, which
// was trained on the data set COCO (see weights/NOTICE). The network misses small objects, and may report an object
// of an unknown class as one of the 80.
//
// The network also often reports large objects that do not exist: it reported a cliff as a person (score 0.76). The
// method Find therefore keeps a large object only if a second detection, for which the picture gets a margin, also
// finds this object. In 490 pictures, most of them drawings and screenshots, the first detection reported 147 real
// objects and 71 false ones. The second detection confirmed 143 of the real objects and 34 of the false ones. With a
// minimum score of 0.6 and no second detection, 117 real objects and 49 false ones would remain.
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

// Object is a detected object.
type Object struct {
	Name  string
	Score float64 // of the detector, 0 to 1
	Box   Box
}

func (o Object) large() bool { return o.Box.area() >= largeArea }

// Box is a rectangle. Its edges are fractions of the picture's width and height, from 0 to 1.
type Box struct{ Left, Top, Right, Bottom float64 }

const (
	minScore = 0.5 // of an Object; Google's responses also contain no object with a lower score
	// If an object covers at least the fraction largeArea of the picture, the network runs again on the picture with
	// a margin. The object is kept only if the network finds it again with a score of at least confirmScore.
	largeArea, confirmScore = 0.2, 0.3
	// Two detections of the same class count as one object if their overlap exceeds sameClassOverlap. For different
	// classes, the limit is anyClassOverlap, because the network may report one animal as two classes.
	sameClassOverlap, anyClassOverlap = 0.5, 0.85
)

// Finder holds the network that finds objects. Several goroutines may use a Finder at the same time.
type Finder struct {
	network network
	anchors []float32 // boxParameters of each
}

// Load returns a Finder with the embedded network. Decoding the network takes about 30 ms.
func Load() (*Finder, error) {
	m, err := weights.Model(weights.ObjectDetector)
	if err != nil {
		return nil, err
	}
	f := &Finder{newNetwork(m), m.Tensor("anchors", 0, boxParameters).Data}
	return f, m.Err()
}

// Find returns at most `limit` objects in the picture. The object with the highest score comes first.
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

// When the network runs for the first time on a picture, the picture fills the rectangle `stretched` in the network's
// input. This rectangle is the whole input, because the network was trained with pictures that were stretched to this
// size.
var stretched = image.Rect(0, 0, inputSize, inputSize)

// When the network runs again to confirm large objects, the picture fills the rectangle that withMargin returns,
// which leaves a margin of at least 5 % of the input on each side. With a margin of 10 %, the network again reported
// a cliff as a person.
func withMargin(size image.Point) image.Rectangle {
	const side = inputSize * 9 / 10
	longer := max(size.X, size.Y)
	size = image.Pt(max(1, size.X*side/longer), max(1, size.Y*side/longer))
	return image.Rectangle{Max: size}.Add(image.Pt(inputSize, inputSize).Sub(size).Div(2))
}

// detect returns the objects that the network finds with a score of at least minScore. The parameter `position` is
// the area that the picture fills in the network's input.
func (f *Finder) detect(ctx context.Context, picture *image.RGBA, position image.Rectangle, minScore float64) ([]Object, error) {
	var found []Object
	anchors := f.anchors
	err := f.network.run(ctx, input(photo.Stretch(picture, position.Size()), position.Min), func(boxes, classes *nn.Tensor) {
		found = append(found, proposals(boxes, classes, anchors, minScore)...)
		anchors = anchors[len(boxes.Data):]
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

// confirmed drops each large object in `found` that is not also in `second`, the result of running the network again
// on the picture with a margin. If a large object is in both, its new score is the mean of the two scores, and
// confirmed drops each object whose score is then below minScore.
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

// input returns the network's input, in which the picture's upper left corner is at the point `at`. Colours range
// from −1 (black) to 1 (white), and pixels outside the picture are 0, which is medium grey.
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

// boxParameters is the number of values that describe an anchor, and the number of values that describe a predicted
// box. The values of an anchor are its top, left, bottom and right edges.
const boxParameters = 4

// predictedBox calculates a Box from an anchor and from the network's four values y, x, height and width, which
// describe the Box relative to the anchor. It divides y and x by 10, and height and width by 5, because the network
// was trained with values multiplied by these numbers.
func predictedBox(anchor []float32, y, x, height, width float32) Box {
	top, left, bottom, right := float64(anchor[0]), float64(anchor[1]), float64(anchor[2]), float64(anchor[3])
	middleX, middleY := (left+right)/2+float64(x)/10*(right-left), (top+bottom)/2+float64(y)/10*(bottom-top)
	halfWidth, halfHeight := (right-left)*math.Exp(float64(width)/5)/2, (bottom-top)*math.Exp(float64(height)/5)/2
	return Box{clamp(middleX - halfWidth), clamp(middleY - halfHeight), clamp(middleX + halfWidth), clamp(middleY + halfHeight)}
}

// proposals converts the output of one head to objects; a head is the part of the network that predicts boxes and
// classes from one feature map. Each cell of the feature map has several consecutive anchors, and the head predicts
// one box for each anchor.
func proposals(boxes, classes *nn.Tensor, anchors []float32, minScore float64) []Object {
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
			box := predictedBox(anchors[(cell*perCell+a)*boxParameters:], parameter(0), parameter(1), parameter(2), parameter(3))
			found = append(found, Object{names[class], float64(nn.Sigmoid(v)), box})
		}
	}
	return found
}

// distinct drops each object that is a duplicate of an object with a higher score (non-maximum suppression).
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

// overlap returns the area that both boxes cover, divided by the area that at least one of them covers.
func (b Box) overlap(c Box) float64 {
	width, height := min(b.Right, c.Right)-max(b.Left, c.Left), min(b.Bottom, c.Bottom)-max(b.Top, c.Top)
	intersection := max(width, 0) * max(height, 0)
	return intersection / (b.area() + c.area() - intersection)
}

// inPicture converts a box from fractions of the network's input to fractions of the picture. The parameter
// `position` is the area that the picture fills in the input.
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

func (b Box) area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }
