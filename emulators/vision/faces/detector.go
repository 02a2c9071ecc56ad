package faces

import (
	"cmp"
	"image"
	"math"
	"slices"
	"strconv"

	"triptych/emulators/vision/nn"
	"triptych/emulators/vision/photo"
)

// The detector is a YOLOv2: it lays a grid over the picture, and each cell proposes one box for each anchor,
// a typical size in cells. Sizes, means and anchors are those it was trained with.
const (
	inputSize     = 416 // the longer side of what it sees
	cellSize      = 32
	leak          = 0.1
	surest        = 0.65 // proposals below are not faces; at 0.5 an astronaut's suit is one
	sameFace      = 0.4  // overlap above which two proposals are one face
	boxParameters = 5    // x, y, width, height, score
)

var (
	detectorMeans = [3]float32{117.001, 114.697, 97.404}
	anchors       = [...]struct{ width, height float64 }{
		{1.603231, 2.094468}, {6.041143, 7.080126}, {2.882459, 3.518061}, {4.266906, 5.178857}, {9.041765, 10.66308},
	}
)

type detector struct {
	first nn.Conv
	body  [5]nn.Separable
	last  nn.Conv
}

func newDetector(m *nn.Model) detector {
	d := detector{first: m.Conv("conv0", 1, nn.Valid), last: m.Conv("conv8", 1, nn.Valid)}
	for i := range d.body {
		d.body[i] = m.Separable("conv"+strconv.Itoa(i+1), 1)
	}
	return d
}

// detect finds the boxes, the surest first.
func (d detector) detect(picture *image.RGBA) []Face {
	input, scale := photo.Letterbox(picture, picture.Rect, inputFor(picture.Rect.Size()), false)
	x := pooled(d.first, normalised(input, detectorMeans), 2)
	for i, layer := range d.body {
		stride := 2
		if i == len(d.body)-1 {
			stride = 1
		}
		x = pooled(layer, x, stride)
	}
	defer x.Release()
	return distinct(proposals(d.last.Apply(x), scale))
}

// pooled uses up what goes into the layer.
func pooled(l layer, in *nn.Tensor, stride int) *nn.Tensor {
	whole := next(l, in)
	defer whole.Release()
	x := whole.MaxPool(stride)
	x.LeakyReLU(leak) // after pooling: the same result for a quarter of the work
	return x
}

// inputFor is the training size less the empty rows or columns of cells an oblong picture would leave.
func inputFor(size image.Point) image.Point {
	longest := max(size.X, size.Y)
	cells := func(side int) int {
		return max(1, (side*inputSize+longest*cellSize-1)/(longest*cellSize))
	}
	return image.Pt(cells(size.X), cells(size.Y)).Mul(cellSize)
}

// proposals reads the grid, whose channels are the parameters of the box of each anchor. scale is how
// many input pixels one pixel of the picture is.
func proposals(grid *nn.Tensor, scale float64) []Face {
	var found []Face
	rows, columns, cell := grid.Shape[1], grid.Shape[2], cellSize/scale
	for a, anchor := range anchors {
		for at := range rows * columns {
			parameter := func(i int) float32 { return grid.Data[(a*boxParameters+i)*rows*columns+at] }
			score := nn.Sigmoid(parameter(4))
			if score < surest {
				continue
			}
			x := (float64(at%columns) + float64(nn.Sigmoid(parameter(0)))) * cell
			y := (float64(at/columns) + float64(nn.Sigmoid(parameter(1)))) * cell
			width := math.Exp(float64(parameter(2))) * anchor.width * cell
			height := math.Exp(float64(parameter(3))) * anchor.height * cell
			box := Box{x - width/2, y - height/2, x + width/2, y + height/2}
			found = append(found, Face{Score: float64(score), Box: box})
		}
	}
	return found
}

// distinct drops each proposal that overlaps a surer one.
func distinct(found []Face) []Face {
	slices.SortStableFunc(found, func(a, b Face) int { return cmp.Compare(b.Score, a.Score) })
	var kept []Face
	for _, f := range found {
		if !slices.ContainsFunc(kept, func(k Face) bool { return k.Box.overlap(f.Box) > sameFace }) {
			kept = append(kept, f)
		}
	}
	return kept
}

// normalised is the picture as the networks want it: the training pictures' mean colour is 0.
func normalised(picture *image.RGBA, means [3]float32) *nn.Tensor {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	t := nn.New(3, height, width)
	for c, mean := range means {
		plane := t.Data[c*width*height:][:width*height]
		for i := range plane {
			plane[i] = (float32(picture.Pix[4*i+c]) - mean) / 255
		}
	}
	return t
}
