package faces

import (
	"image"
	"strconv"

	"triptych/emulators/vision/nn"
)

// Expressions are what a face may show; all add up to 1 with those that are not listed (neutral, fearful,
// disgusted).
type Expressions struct{ Happy, Sad, Angry, Surprised float64 }

// expressor is the network that reads them.
type expressor struct {
	features features
	head     nn.Dense
}

func newExpressor(m *nn.Model) expressor {
	return expressor{newFeatures(m, 4, 4), m.Dense("fc")}
}

func (n expressor) read(picture *image.RGBA, box Box) Expressions {
	square, _ := crop(picture, box)
	// neutral, happy, sad, angry, fearful, disgusted, surprised
	shares := nn.Softmax(n.head.Apply(n.features.of(square)))
	return Expressions{float64(shares[1]), float64(shares[2]), float64(shares[3]), float64(shares[6])}
}

// cropMeans is the mean colour of the faces both networks were trained with.
var cropMeans = [3]float32{122.782, 117.001, 104.298}

// features is what landmarks and expressions have in common: densely connected blocks, each of which
// halves the picture, and at the end one number for each channel.
type features struct {
	first  nn.Conv
	blocks [][]nn.Separable
}

// newFeatures reads blocks of layers layers each; the very first layer is an ordinary convolution.
func newFeatures(m *nn.Model, blocks, layers int) features {
	f := features{first: m.Conv("dense0/conv0", 2, nn.Same)}
	for b := range blocks {
		var block []nn.Separable
		for l := range layers {
			if b == 0 && l == 0 {
				continue
			}
			stride := 1
			if l == 0 {
				stride = 2
			}
			block = append(block, m.Separable("dense"+strconv.Itoa(b)+"/conv"+strconv.Itoa(l), stride))
		}
		f.blocks = append(f.blocks, block)
	}
	return f
}

func (f features) of(square *image.RGBA) []float32 {
	x := next(f.first, normalised(square, cropMeans))
	for b, block := range f.blocks {
		if b > 0 {
			x, block = next(block[0], x), block[1:]
		}
		x.ReLU()
		// Each layer sees the sum of all before it, made positive; the sum itself keeps its negatives.
		sum := x.Clone()
		for _, layer := range block {
			more := next(layer, x)
			sum.Add(more)
			more.Release()
			x = sum.Clone()
			x.ReLU()
		}
		sum.Release()
	}
	defer x.Release()
	return x.ChannelMeans()
}

type layer interface {
	Apply(in *nn.Tensor) *nn.Tensor
}

// next uses up what goes in.
func next(l layer, in *nn.Tensor) *nn.Tensor {
	defer in.Release()
	return l.Apply(in)
}
