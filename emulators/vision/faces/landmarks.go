package faces

import (
	"image"
	"math"

	"triptych/emulators/vision/nn"
)

// Landmarks are 68 points in the order of the 300-W annotation, left and right as the viewer sees them: 0–16
// the jaw from left to right (8 the chin), 17–21 and 22–26 the eyebrows, 27–30 the bridge of the nose (30 its
// tip), 31–35 below the nose, 36–41 and 42–47 the eyes clockwise from their left corners, 48–59 the outer
// and 60–67 the inner edge of the lips, clockwise from the left.
type Landmarks [68]Point

// mirrored[i] is the landmark that i becomes in a mirror.
var mirrored = [68]int{
	16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
	26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
	27, 28, 29, 30, 35, 34, 33, 32, 31,
	45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
	54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
	64, 63, 62, 61, 60, 67, 66, 65,
}

// Bounds is the smallest box around the points.
func (l *Landmarks) Bounds() Box {
	b := Box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, p := range l {
		b = Box{min(b.Left, p.X), min(b.Top, p.Y), max(b.Right, p.X), max(b.Bottom, p.Y)}
	}
	return b
}

// Middle is the point in the middle of the given landmarks.
func (l *Landmarks) Middle(of ...int) Point {
	var sum Point
	for _, i := range of {
		sum.X, sum.Y = sum.X+l[i].X, sum.Y+l[i].Y
	}
	return Point{sum.X / float64(len(of)), sum.Y / float64(len(of))}
}

// Eyes are the middles of the left and the right eye.
func (l *Landmarks) Eyes() (left, right Point) {
	return l.Middle(36, 37, 38, 39, 40, 41), l.Middle(42, 43, 44, 45, 46, 47)
}

// Roll is the angle by which the face is turned clockwise in the picture, in degrees.
func (l *Landmarks) Roll() float64 {
	left, right := l.Eyes()
	return math.Atan2(right.Y-left.Y, right.X-left.X) * 180 / math.Pi
}

// landmarker is the network that places the points.
type landmarker struct {
	features features
	head     nn.Dense
}

func newLandmarker(m *nn.Model) landmarker {
	return landmarker{newFeatures(m, 3, 3), m.Dense("fc")}
}

// locate looks at the face and at its mirror image and takes the middle. The network does not say how sure
// it is, but the two disagree where it guesses: agreement is 1 when they are the same and 1/e when they
// are a quarter of the distance between the eyes apart.
func (n landmarker) locate(picture *image.RGBA, box Box) (Landmarks, float64) {
	square, scale := crop(picture, box)
	seen, reflected := n.points(square), n.points(mirror(square))
	var points Landmarks
	var apart float64
	for i := range points {
		a, b := seen[i], Point{cropSize - reflected[mirrored[i]].X, reflected[mirrored[i]].Y}
		points[i] = Point{(a.X + b.X) / 2, (a.Y + b.Y) / 2}
		apart += math.Hypot(a.X-b.X, a.Y-b.Y) / float64(len(points))
	}
	left, right := points.Eyes()
	agreement := math.Exp(-4 * apart / max(math.Hypot(right.X-left.X, right.Y-left.Y), 1))
	middle := box.pixels(picture)
	for i, p := range points {
		points[i] = Point{
			float64(middle.Min.X+middle.Max.X)/2 + (p.X-cropSize/2)/scale,
			float64(middle.Min.Y+middle.Max.Y)/2 + (p.Y-cropSize/2)/scale,
		}
	}
	return points, agreement
}

// points are in pixels of the square.
func (n landmarker) points(square *image.RGBA) Landmarks {
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
