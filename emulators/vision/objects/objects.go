// Package objects finds 80 kinds of everyday things in a picture: what they are, where, and how surely. It
// runs an SSDLite-MobileNetV2 trained on COCO (see weights/NOTICE) on the CPU and keeps nothing of what it
// sees. What is not among its classes it does not see, however large.
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

// Object is one thing.
type Object struct {
	Name  string
	Score float64 // how sure the detector is, 0 to 1
	Box   Box
}

func (o Object) large() bool { return o.Box.Area() >= large }

// Box is a rectangle in shares of the picture's width and height, 0 to 1.
type Box struct{ Left, Top, Right, Bottom float64 }

const (
	// surest is the score below which nothing is an object; Google's own answers begin there too.
	surest = 0.5
	// large is the share of the picture from which on a thing is looked for again, with a score of at least faintest.
	large, faintest = 0.2, 0.3
	// sameThing is the overlap above which two objects of a class are one, samePlace that above which
	// two of any class are: a dog is not a cat too.
	sameThing, samePlace = 0.5, 0.85
)

// Finder holds the network. It may be used by many goroutines at once.
type Finder struct {
	network network
	anchors []anchor
}

// Load decodes the network, in some 30 ms.
func Load() (*Finder, error) {
	m, err := weights.Model(weights.ObjectDetector)
	if err != nil {
		return nil, err
	}
	f := &Finder{newNetwork(m), newAnchors(m)}
	return f, m.Err()
}

// Find returns at most most objects, the surest first. Much of what is not there is seen in all of a picture or half of
// it, so what is large must be there, too, when the picture is seen from further away.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, most int) ([]Object, error) {
	found, err := f.look(ctx, picture, stretched, surest)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, Object.large) {
		again, err := f.look(ctx, picture, framed(picture.Rect.Size()), faintest)
		if err != nil {
			return nil, err
		}
		found = confirmed(found, again)
	}
	return found[:min(len(found), most)], nil
}

// stretched is where the network sees the picture first: everywhere, as in its training.
var stretched = image.Rect(0, 0, inputSize, inputSize)

// framed is where the network sees the picture again: in the middle, in its own proportions, with a margin around it.
func framed(size image.Point) image.Rectangle {
	const side = inputSize * 9 / 10
	longest := max(size.X, size.Y)
	size = image.Pt(max(1, size.X*side/longest), max(1, size.Y*side/longest))
	return image.Rectangle{Max: size}.Add(image.Pt(inputSize, inputSize).Sub(size).Div(2))
}

// look finds what there is with a score of at least least when the network sees the picture there.
func (f *Finder) look(ctx context.Context, picture *image.RGBA, there image.Rectangle, least float64) ([]Object, error) {
	var found []Object
	first := 0
	err := f.network.run(ctx, input(photo.Stretch(picture, there.Size()), there.Min), func(boxes, classes *nn.Tensor) {
		found = append(found, proposals(boxes, classes, f.anchors[first:], least)...)
		first += len(boxes.Data) / boxParameters
	})
	if err != nil {
		return nil, err
	}
	found = distinct(found)
	for i := range found {
		found[i].Box = found[i].Box.of(there)
	}
	return found, nil
}

// confirmed drops what is large and not among the second finds; otherwise its score is the mean of both.
func confirmed(found, again []Object) []Object {
	var kept []Object
	for _, o := range found {
		if o.large() {
			same := slices.IndexFunc(again, func(a Object) bool { return a.Name == o.Name && a.Box.overlap(o.Box) > sameThing })
			if same < 0 {
				continue
			}
			o.Score = (o.Score + again[same].Score) / 2
		}
		if o.Score >= surest {
			kept = append(kept, o)
		}
	}
	slices.SortStableFunc(kept, surer)
	return kept
}

// surer is the order of objects.
func surer(a, b Object) int { return cmp.Compare(b.Score, a.Score) }

// input is what the network sees: the picture at a place, −1 to 1, and medium grey around it.
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

// An anchor is a typical place and size; the network says how a thing's box differs from it.
type anchor struct{ x, y, width, height float64 }

const boxParameters = 4 // y, x, height, width

func newAnchors(m *nn.Model) []anchor {
	stored := m.Tensor("anchors", 0, boxParameters)
	var all []anchor
	for corners := range slices.Chunk(stored.Data, boxParameters) {
		if len(corners) < boxParameters {
			break // the model lacks them; its error says so
		}
		top, left, bottom, right := float64(corners[0]), float64(corners[1]), float64(corners[2]), float64(corners[3])
		all = append(all, anchor{(left + right) / 2, (top + bottom) / 2, right - left, bottom - top})
	}
	return all
}

// box undoes the scaling the network was trained with.
func (a anchor) box(y, x, height, width float32) Box {
	middleX, middleY := a.x+float64(x)/10*a.width, a.y+float64(y)/10*a.height
	halfWidth, halfHeight := a.width*math.Exp(float64(width)/5)/2, a.height*math.Exp(float64(height)/5)/2
	return Box{inside(middleX - halfWidth), inside(middleY - halfHeight), inside(middleX + halfWidth), inside(middleY + halfHeight)}
}

// proposals reads one grid: at each place a few anchors, for each of them a box and a score for each class.
func proposals(boxes, classes *nn.Tensor, anchors []anchor, least float64) []Object {
	places, each := boxes.Shape[1]*boxes.Shape[2], boxes.Shape[0]/boxParameters
	threshold := float32(math.Log(least / (1 - least))) // of a score before its sigmoid
	var found []Object
	for channel := range classes.Shape[0] {
		class, a := channel%len(names), channel/len(names)
		if names[class] == "" {
			continue
		}
		for place, v := range classes.Data[channel*places:][:places] {
			if v < threshold {
				continue
			}
			parameter := func(i int) float32 { return boxes.Data[(a*boxParameters+i)*places+place] }
			box := anchors[place*each+a].box(parameter(0), parameter(1), parameter(2), parameter(3))
			found = append(found, Object{names[class], float64(nn.Sigmoid(v)), box})
		}
	}
	return found
}

// distinct drops each proposal that is a surer one seen again.
func distinct(found []Object) []Object {
	slices.SortStableFunc(found, surer)
	var kept []Object
	for _, o := range found {
		seen := slices.ContainsFunc(kept, func(k Object) bool {
			overlap := k.Box.overlap(o.Box)
			return overlap > samePlace || (k.Name == o.Name && overlap > sameThing)
		})
		if !seen {
			kept = append(kept, o)
		}
	}
	return kept
}

// overlap is the share of the two boxes together that both have.
func (b Box) overlap(c Box) float64 {
	both := Box{max(b.Left, c.Left), max(b.Top, c.Top), min(b.Right, c.Right), min(b.Bottom, c.Bottom)}
	if both.Left >= both.Right || both.Top >= both.Bottom {
		return 0
	}
	return both.Area() / (b.Area() + c.Area() - both.Area())
}

// of is the box in shares of what is seen there, which had it in shares of all that is seen.
func (b Box) of(there image.Rectangle) Box {
	x := func(share float64) float64 {
		return inside((share*inputSize - float64(there.Min.X)) / float64(there.Dx()))
	}
	y := func(share float64) float64 {
		return inside((share*inputSize - float64(there.Min.Y)) / float64(there.Dy()))
	}
	return Box{x(b.Left), y(b.Top), x(b.Right), y(b.Bottom)}
}

func inside(share float64) float64 { return min(max(share, 0), 1) }

// Area is the share of the picture the box covers.
func (b Box) Area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }
