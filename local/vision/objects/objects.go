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

	"triptych/local/vision/nn"
	"triptych/local/vision/photo"
	"triptych/local/vision/weights"
)

// Object is one thing.
type Object struct {
	Name  string
	Score float64 // how sure the detector is, 0 to 1
	Box   Box
}

// Box is a rectangle in shares of the picture's width and height, 0 to 1.
type Box struct{ Left, Top, Right, Bottom float64 }

const (
	// surest is the score below which nothing is an object; Google's own answers begin there too.
	surest = 0.5
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

// Find returns at most most objects, the surest first.
func (f *Finder) Find(ctx context.Context, picture *image.RGBA, most int) ([]Object, error) {
	var found []Object
	first := 0
	err := f.network.run(ctx, normalised(photo.Stretch(picture, image.Pt(inputSize, inputSize))), func(boxes, classes *nn.Tensor) {
		found = append(found, proposals(boxes, classes, f.anchors[first:])...)
		first += len(boxes.Data) / boxParameters
	})
	if err != nil {
		return nil, err
	}
	found = distinct(found)
	return found[:min(len(found), most)], nil
}

// normalised is the picture as the network wants it: −1 to 1.
func normalised(picture *image.RGBA) *nn.Tensor {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	t := nn.New(3, height, width)
	for c := range 3 {
		plane := t.Data[c*width*height:][:width*height]
		for i := range plane {
			plane[i] = float32(picture.Pix[4*i+c])/127.5 - 1
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
	inside := func(v float64) float64 { return min(max(v, 0), 1) }
	return Box{inside(middleX - halfWidth), inside(middleY - halfHeight), inside(middleX + halfWidth), inside(middleY + halfHeight)}
}

// proposals reads one grid: at each place a few anchors, for each of them a box and a score for each class.
func proposals(boxes, classes *nn.Tensor, anchors []anchor) []Object {
	places, each := boxes.Shape[1]*boxes.Shape[2], boxes.Shape[0]/boxParameters
	threshold := float32(math.Log(surest / (1 - surest))) // of a score before its sigmoid
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
	slices.SortStableFunc(found, func(a, b Object) int { return cmp.Compare(b.Score, a.Score) })
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

// Area is the share of the picture the box covers.
func (b Box) Area() float64 { return (b.Right - b.Left) * (b.Bottom - b.Top) }
