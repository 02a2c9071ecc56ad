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

// The face detector is a YOLOv2 network. Its training fixed the cell size, the mean colours and the anchors.
const (
	inputSize     = 416 // longer side of the network's input, in pixels
	cellSize      = 32  // in pixels of the input
	leak          = 0.1
	minScore      = 0.65 // with 0.5, the detector takes an astronaut's suit for a face
	sameFace      = 0.4  // overlap above which two proposals are one face
	boxParameters = 5    // x, y, width, height, score
)

var (
	detectorMeans = [3]float32{117.001, 114.697, 97.404}
	anchors       = [...]struct{ width, height float64 }{ // typical boxes, in cells
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

// detect sets only the fields Box and Score.
func (d detector) detect(picture *image.RGBA) []Face {
	input, scale := photo.Letterbox(picture, picture.Rect, inputSizeFor(picture.Rect.Size()), false)
	var wide nn.Tensor // the feature map before pooling; all layers use the same memory
	x := d.first.Apply(&wide, normalised(input, detectorMeans)).MaxPool(2).LeakyReLU(leak)
	for i, layer := range d.body {
		stride := 2
		if i == len(d.body)-1 {
			stride = 1
		}
		// LeakyReLU comes after MaxPool: the result is the same, and MaxPool with stride 2 leaves only a quarter of
		// the values.
		x = layer.Apply(&wide, x).MaxPool(stride).LeakyReLU(leak)
	}
	return distinct(proposals(d.last.Apply(&nn.Tensor{}, x), scale))
}

// inputSizeFor scales the longer side to inputSize and rounds the shorter side up to a multiple of cellSize. For
// example, 1280×720 becomes 416×256.
func inputSizeFor(size image.Point) image.Point {
	longest := max(size.X, size.Y)
	cells := func(side int) int {
		return max(1, (side*inputSize+longest*cellSize-1)/(longest*cellSize))
	}
	return image.Pt(cells(size.X), cells(size.Y)).Mul(cellSize)
}

func proposals(grid *nn.Tensor, scale float64) []Face {
	var found []Face
	rows, columns, cell := grid.Shape[1], grid.Shape[2], cellSize/scale
	for a, anchor := range anchors {
		for position := range rows * columns {
			parameter := func(i int) float32 { return grid.Data[(a*boxParameters+i)*rows*columns+position] }
			score := nn.Sigmoid(parameter(4))
			if score < minScore {
				continue
			}
			x := (float64(position%columns) + float64(nn.Sigmoid(parameter(0)))) * cell
			y := (float64(position/columns) + float64(nn.Sigmoid(parameter(1)))) * cell
			width := math.Exp(float64(parameter(2))) * anchor.width * cell
			height := math.Exp(float64(parameter(3))) * anchor.height * cell
			box := Box{x - width/2, y - height/2, x + width/2, y + height/2}
			found = append(found, Face{Score: float64(score), Box: box})
		}
	}
	return found
}

// distinct is non-maximum suppression.
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
