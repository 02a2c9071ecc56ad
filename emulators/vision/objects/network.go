package objects

import (
	"context"
	"slices"
	"strconv"

	"triptych/emulators/vision/nn"
)

// inputSize is the side of the network's square input. The network was trained with pictures stretched to this size.
const inputSize = 300

// network is an SSDLite-MobileNetV2: a MobileNetV2, four smaller layers after it, and a pair of heads on each of six
// feature maps, from fine to coarse.
type network struct {
	first  nn.Conv
	blocks []block
	last   nn.Conv
	extra  []extra
	heads  []head
}

// block is an inverted residual block of MobileNetV2. It adds its input to its output if the shapes are equal.
type block struct {
	expand    *nn.Conv // nil in the first block
	depthwise nn.Depthwise
	project   nn.Conv
}

// extra halves the size of a feature map.
type extra struct {
	reduce    nn.Conv
	depthwise nn.Depthwise
	spread    nn.Conv
}

// head predicts the boxes and classes of a feature map.
type head struct{ box, class branch }

type branch struct {
	depthwise nn.Depthwise
	predict   nn.Conv
}

// strides are the strides of the blocks.
var strides = [...]int{1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1}

// firstHeadBlock is the block whose expanded feature map is the input of the first head.
const firstHeadBlock = 13

func newNetwork(m *nn.Model) network {
	pointwise := func(name string) nn.Conv { return m.Conv(name, 1, nn.Same) }
	n := network{first: m.Conv("Conv", 2, nn.Same), last: pointwise("Conv_1")}
	for i, stride := range strides {
		name := "expanded_conv"
		b := block{}
		if i > 0 {
			name += "_" + strconv.Itoa(i)
			expand := pointwise(name + "/expand")
			b.expand = &expand
		}
		b.depthwise, b.project = m.Depthwise(name+"/depthwise", stride), pointwise(name+"/project")
		n.blocks = append(n.blocks, b)
	}
	for i, size := range [...]struct{ reduced, spread string }{{"256", "512"}, {"128", "256"}, {"128", "256"}, {"64", "128"}} {
		number := strconv.Itoa(i + 2)
		spread := "layer_19_2_Conv2d_" + number + "_3x3_s2_" + size.spread
		n.extra = append(n.extra, extra{
			pointwise("layer_19_1_Conv2d_" + number + "_1x1_" + size.reduced), m.Depthwise(spread+"_depthwise", 2), pointwise(spread),
		})
	}
	for i := range len(n.extra) + 2 {
		name := "BoxPredictor_" + strconv.Itoa(i)
		newBranch := func(kind string) branch {
			return branch{m.Depthwise(name+kind+"_depthwise", 1), pointwise(name + kind)}
		}
		n.heads = append(n.heads, head{newBranch("/BoxEncodingPredictor"), newBranch("/ClassPredictor")})
	}
	return n
}

// run calls visit with the output of each head, finest feature map first. It stops when the context ends.
func (n network) run(ctx context.Context, x *nn.Tensor, visit func(boxes, classes *nn.Tensor)) error {
	heads := n.heads
	predict := func(x *nn.Tensor) {
		visit(heads[0].box.apply(x), heads[0].class.apply(x))
		heads = heads[1:]
	}
	x = n.first.Apply(x).ReLU6()
	for i, b := range n.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := x
		if b.expand != nil {
			x = b.expand.Apply(x).ReLU6()
		}
		if i == firstHeadBlock {
			predict(x)
		}
		x = b.project.Apply(b.depthwise.Apply(x).ReLU6())
		if slices.Equal(x.Shape, in.Shape) {
			x.Add(in)
		}
	}
	x = n.last.Apply(x).ReLU6()
	predict(x)
	for _, e := range n.extra {
		x = e.reduce.Apply(x).ReLU6()
		x = e.depthwise.Apply(x).ReLU6()
		x = e.spread.Apply(x).ReLU6()
		predict(x)
	}
	return nil
}

func (b branch) apply(x *nn.Tensor) *nn.Tensor { return b.predict.Apply(b.depthwise.Apply(x).ReLU6()) }
