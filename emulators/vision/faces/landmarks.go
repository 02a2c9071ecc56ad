package faces

import (
	"image"
	"math"

	"triptych/emulators/vision/nn"
)

// Landmarks has the 68 points of the 300-W data set in the same order, but counted from 0. Left means the viewer's
// left.
type Landmarks [68]Point

var mirrored = [68]int{
	16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
	26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
	27, 28, 29, 30, 35, 34, 33, 32, 31,
	45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
	54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
	64, 63, 62, 61, 60, 67, 66, 65,
}

func (l *Landmarks) Bounds() Box {
	b := Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, p := range l {
		b = Box{min(b.Left, p.X), min(b.Top, p.Y), max(b.Right, p.X), max(b.Bottom, p.Y)}
	}
	return b
}

func (l *Landmarks) Mean(indices ...int) Point {
	var sum Point
	for _, i := range indices {
		sum.X, sum.Y = sum.X+l[i].X, sum.Y+l[i].Y
	}
	return Point{sum.X / float64(len(indices)), sum.Y / float64(len(indices))}
}

func (l *Landmarks) Eyes() (left, right Point) {
	return l.Mean(36, 37, 38, 39, 40, 41), l.Mean(42, 43, 44, 45, 46, 47)
}

// Roll returns degrees, clockwise in the picture.
func (l *Landmarks) Roll() float64 {
	left, right := l.Eyes()
	return math.Atan2(right.Y-left.Y, right.X-left.X) * 180 / math.Pi
}

type landmarkNetwork struct {
	features features
	head     nn.Dense
}

func newLandmarkNetwork(m *nn.Model) landmarkNetwork {
	return landmarkNetwork{newFeatures(m, 3, 3), m.Dense("fc")}
}

// locate runs the network on the face and on its mirror image. It returns the mean of the two results and how well
// they agree, from 0 to 1. Low agreement means that the network is guessing.
func (n landmarkNetwork) locate(picture *image.RGBA, box Box) (Landmarks, float64) {
	square, scale := crop(picture, box)
	plain, reflected := n.points(square), n.points(mirror(square))
	var points Landmarks
	var distance float64
	for i := range points {
		a, b := plain[i], Point{cropSize - reflected[mirrored[i]].X, reflected[mirrored[i]].Y}
		points[i] = Point{(a.X + b.X) / 2, (a.Y + b.Y) / 2}
		distance += math.Hypot(a.X-b.X, a.Y-b.Y) / float64(len(points))
	}
	left, right := points.Eyes()
	agreement := math.Exp(-4 * distance / max(math.Hypot(right.X-left.X, right.Y-left.Y), 1))
	crop := box.pixels(picture)
	for i, p := range points {
		points[i] = Point{
			float64(crop.Min.X+crop.Max.X)/2 + (p.X-cropSize/2)/scale,
			float64(crop.Min.Y+crop.Max.Y)/2 + (p.Y-cropSize/2)/scale,
		}
	}
	return points, agreement
}

func (n landmarkNetwork) points(square *image.RGBA) Landmarks {
	var l Landmarks
	out := n.head.Apply(n.features.of(square))
	for i := range l {
		l[i] = Point{float64(out[2*i]) * cropSize, float64(out[2*i+1]) * cropSize}
	}
	return l
}

func mirror(from *image.RGBA) *image.RGBA {
	to := image.NewRGBA(from.Rect)
	width := from.Rect.Dx()
	for y := range from.Rect.Dy() {
		for x := range width {
			copy(to.Pix[to.PixOffset(x, y):][:4], from.Pix[from.PixOffset(width-1-x, y):])
		}
	}
	return to
}
