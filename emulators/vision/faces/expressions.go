package faces

import (
	"fmt"
	"image"

	"triptych/emulators/vision/nn"
)

// The sum of these probabilities can be below 1, because the network has three more expressions: neutral, fearful and
// disgusted.
type Expressions struct{ Happy, Sad, Angry, Surprised float64 }

type expressionNetwork struct {
	features features
	head     nn.Dense
}

func newExpressionNetwork(m *nn.Model) expressionNetwork {
	return expressionNetwork{newFeatures(m, 4, 4), m.Dense("fc")}
}

func (n expressionNetwork) estimate(picture *image.RGBA, box Box) Expressions {
	square, _ := crop(picture, box)
	// Order of the network's outputs: neutral, happy, sad, angry, fearful, disgusted, surprised.
	p := nn.Softmax(n.head.Apply(n.features.of(square)))
	return Expressions{float64(p[1]), float64(p[2]), float64(p[3]), float64(p[6])}
}

var cropMeans = [3]float32{122.782, 117.001, 104.298} // of the training pictures

// features is the architecture that the landmark network and the expression network have in common.
type features struct {
	first  nn.Conv
	blocks [][]nn.Separable
}

func newFeatures(m *nn.Model, blocks, layers int) features {
	var f features
	for b := range blocks {
		var block []nn.Separable
		for l := range layers {
			name := fmt.Sprintf("dense%d/conv%d", b, l)
			switch {
			case l > 0:
				block = append(block, m.Separable(name, 1))
			case b > 0:
				block = append(block, m.Separable(name, 2))
			default:
				f.first = m.Conv(name, 2)
			}
		}
		f.blocks = append(f.blocks, block)
	}
	return f
}

func (f features) of(square *image.RGBA) []float32 {
	x := f.first.Apply(&nn.Tensor{}, normalised(square, cropMeans, 255))
	var out nn.Tensor
	for b, block := range f.blocks {
		if b > 0 {
			x, block = block[0].Apply(&nn.Tensor{}, x), block[1:]
		}
		sum := x.ReLU().Clone()
		for _, layer := range block {
			sum.Add(layer.Apply(&out, x))
			x = sum.Clone().ReLU()
		}
	}
	return x.ChannelMeans()
}
