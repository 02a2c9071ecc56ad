package faces

import (
	"image"
	"strconv"

	"triptych/emulators/vision/nn"
)

// Expressions contains the probabilities of four expressions. The four probabilities and those of the omitted
// expressions (neutral, fearful, disgusted) add up to 1.
type Expressions struct{ Happy, Sad, Angry, Surprised float64 }

// expressionNetwork estimates Expressions.
type expressionNetwork struct {
	features features
	head     nn.Dense
}

func newExpressionNetwork(m *nn.Model) expressionNetwork {
	return expressionNetwork{newFeatures(m, 4, 4), m.Dense("fc")}
}

func (n expressionNetwork) estimate(picture *image.RGBA, box Box) Expressions {
	square, _ := crop(picture, box)
	// The outputs are neutral, happy, sad, angry, fearful, disgusted, surprised.
	p := nn.Softmax(n.head.Apply(n.features.of(square)))
	return Expressions{float64(p[1]), float64(p[2]), float64(p[3]), float64(p[6])}
}

// cropMeans is the mean colour of the faces that both face networks were trained with.
var cropMeans = [3]float32{122.782, 117.001, 104.298}

// features is the part that the landmark and the expression network have in common: densely connected blocks, each of
// which halves the feature map, then the mean of each channel.
type features struct {
	first  nn.Conv
	blocks [][]nn.Separable
}

// newFeatures reads the given number of blocks with the given number of layers each. The first layer is an ordinary
// convolution, all others are separable.
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
	x := f.first.Apply(normalised(square, cropMeans))
	for b, block := range f.blocks {
		if b > 0 {
			x, block = block[0].Apply(x), block[1:]
		}
		// The input of each layer is the ReLU of the sum of all previous outputs in the block. The sum itself
		// keeps negative values.
		sum := x.ReLU().Clone()
		for _, layer := range block {
			sum.Add(layer.Apply(x))
			x = sum.Clone().ReLU()
		}
	}
	return x.ChannelMeans()
}
