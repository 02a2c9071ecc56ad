package faces

import (
	"image"
	"strconv"

	"triptych/emulators/vision/nn"
	"triptych/emulators/vision/photo"
	"triptych/emulators/vision/ssd"
)

// The face detector is SSD-MobileNetV1. Its training fixed the canvas, for which the model has anchors.
const (
	canvasSize   = 512 // pixels, width and height
	coarsestCell = 32  // of the backbone, in pixels of the canvas
	minScore     = 0.4
	sameFace     = 0.4 // overlap above which two proposals are one face
	classes      = 3   // background, face and one that is not used
	faceClass    = 1
	epsilon      = 0.001 // added to the variance in the batch normalization
)

// strides are the strides of the backbone's blocks.
var strides = [...]int{1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1}

const firstHeadBlock = 10

type detector struct {
	first   nn.Conv
	blocks  []block
	extra   [][2]nn.Conv // after the backbone
	heads   []head
	anchors []float32
}

type block struct {
	depthwise nn.Depthwise
	pointwise nn.Conv
}

type head struct{ boxes, classes nn.Conv }

func newDetector(m *nn.Model) detector {
	conv := func(name string, stride int) nn.Conv {
		return m.ConvOf(name+"_pointwise/weights", name+"_pointwise/convolution_bn_offset", stride)
	}
	d := detector{first: conv("MobilenetV1/Conv2d_0", 2), anchors: m.Tensor("Output/extra_dim", 1, 0, ssd.BoxParameters).Data}
	for i, stride := range strides {
		name := "MobilenetV1/Conv2d_" + strconv.Itoa(i+1)
		d.blocks = append(d.blocks, block{m.NormalizedDepthwise(name+"_depthwise", stride, epsilon), conv(name, 1)})
	}
	for i := range 4 {
		name := "Prediction/Conv2d_"
		d.extra = append(d.extra, [2]nn.Conv{conv(name+strconv.Itoa(2*i), 1), conv(name+strconv.Itoa(2*i+1), 2)})
	}
	for i := range len(d.extra) + 2 {
		name := "Prediction/BoxPredictor_" + strconv.Itoa(i)
		predictor := func(kind string) nn.Conv { return m.ConvOf(name+kind+"/weights", name+kind+"/biases", 1) }
		d.heads = append(d.heads, head{predictor("/BoxEncodingPredictor"), predictor("/ClassPredictor")})
	}
	return d
}

// detect sets only the fields Box and Score.
func (d detector) detect(picture *image.RGBA) []Face {
	canvas, scale := photo.Letterbox(picture, picture.Rect, usedCanvas(picture.Rect.Size()), false)
	var found []Face
	anchors, heads, columns := d.anchors, d.heads, canvasSize/coarsestCell*2
	predict := func(x *nn.Tensor) {
		boxes, scores := heads[0].boxes.Apply(&nn.Tensor{}, x), heads[0].classes.Apply(&nn.Tensor{}, x)
		perCell := boxes.Shape[0] / ssd.BoxParameters
		found = append(found, proposals(boxes, scores, anchors, columns, canvasSize/scale)...)
		anchors, heads, columns = anchors[columns*columns*perCell*ssd.BoxParameters:], heads[1:], columns/2
	}
	var wide nn.Tensor // all depthwise layers use the same memory
	x := d.first.Apply(&nn.Tensor{}, normalised(canvas, [3]float32{127.5, 127.5, 127.5}, 127.5)).ReLU6()
	for i, b := range d.blocks {
		x = b.pointwise.Apply(&nn.Tensor{}, b.depthwise.Apply(&wide, x).ReLU6()).ReLU6()
		if i == firstHeadBlock {
			predict(x)
		}
	}
	predict(x)
	for _, e := range d.extra {
		// On the whole canvas, each side is even, so that the padding zeros are only on the right and at the bottom.
		x = e[1].Apply(&nn.Tensor{}, e[0].Apply(&nn.Tensor{}, x).ReLU6().Even()).ReLU6()
		predict(x)
	}
	return distinct(found)
}

// usedCanvas returns the part of the canvas that the picture needs, because the time is proportional to the area. For
// example, 1280×720 becomes 512×288.
func usedCanvas(size image.Point) image.Point {
	longest := max(size.X, size.Y)
	cells := func(side int) int {
		return max(1, (side*canvasSize+longest*coarsestCell-1)/(longest*coarsestCell))
	}
	return image.Pt(cells(size.X), cells(size.Y)).Mul(coarsestCell)
}

// proposals are in pixels of the picture. The anchors belong to a grid with the given number of columns, of which the
// predictions are the upper left part.
func proposals(boxes, scores *nn.Tensor, anchors []float32, columns int, pixels float64) []Face {
	cells, perCell := boxes.Shape[1]*boxes.Shape[2], boxes.Shape[0]/ssd.BoxParameters
	var found []Face
	for a := range perCell {
		for cell, v := range scores.Data[(a*classes+faceClass)*cells:][:cells] {
			score := float64(nn.Sigmoid(v))
			if score < minScore {
				continue
			}
			parameter := func(i int) float64 { return float64(boxes.Data[(a*ssd.BoxParameters+i)*cells+cell]) }
			position := cell/boxes.Shape[2]*columns + cell%boxes.Shape[2]
			anchor := anchors[(position*perCell+a)*ssd.BoxParameters:]
			box := ssd.Decode(anchor, parameter)
			box = ssd.Box{Left: box.Left * pixels, Top: box.Top * pixels, Right: box.Right * pixels, Bottom: box.Bottom * pixels}
			found = append(found, Face{Score: score, Box: Box(box)})
		}
	}
	return found
}

func distinct(found []Face) []Face {
	return ssd.Distinct(found, func(f Face) float64 { return f.Score }, func(a, b Face) bool { return a.Box.overlap(b.Box) > sameFace })
}

// normalised subtracts the means of the channels and divides by `unit`.
func normalised(picture *image.RGBA, means [3]float32, unit float32) *nn.Tensor {
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	t := nn.New(3, height, width)
	for c, mean := range means {
		plane := t.Data[c*width*height:][:width*height]
		for i := range plane {
			plane[i] = (float32(picture.Pix[4*i+c]) - mean) / unit
		}
	}
	return t
}
