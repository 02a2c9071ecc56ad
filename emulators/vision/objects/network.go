package objects

import (
	"context"
	"slices"
	"strconv"

	"triptych/emulators/vision/nn"
)

const inputSize = 300 // pixels, width and height

// network is SSDLite-MobileNetV2.
type network struct {
	first  nn.Conv
	blocks []block
	last   nn.Conv
	extra  []block
	heads  []head
}

// block is MobileNetV2's inverted residual block.
type block struct {
	expand *nn.Conv // nil in the first block
	filter
}

type head struct{ boxes, classes filter }

type filter struct {
	depthwise nn.Depthwise
	pointwise nn.Conv
}

// strides are the strides of the blocks.
var strides = [...]int{1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1}

const firstHeadBlock = 13

func newNetwork(m *nn.Model) network {
	pointwise := func(name string) nn.Conv { return m.Conv(name, 1) }
	newFilter := func(name string, stride int) filter {
		return filter{m.Depthwise(name+"_depthwise", stride), pointwise(name)}
	}
	n := network{first: m.Conv("Conv", 2), last: pointwise("Conv_1")}
	for i, stride := range strides {
		name, b := "expanded_conv", block{}
		if i > 0 {
			name += "_" + strconv.Itoa(i)
			expand := pointwise(name + "/expand")
			b.expand = &expand
		}
		b.filter = filter{m.Depthwise(name+"/depthwise", stride), pointwise(name + "/project")}
		n.blocks = append(n.blocks, b)
	}
	for _, name := range [...]struct{ expand, filter string }{
		{"2_1x1_256", "2_3x3_s2_512"}, {"3_1x1_128", "3_3x3_s2_256"}, {"4_1x1_128", "4_3x3_s2_256"}, {"5_1x1_64", "5_3x3_s2_128"},
	} {
		expand := pointwise("layer_19_1_Conv2d_" + name.expand)
		n.extra = append(n.extra, block{&expand, newFilter("layer_19_2_Conv2d_"+name.filter, 2)})
	}
	for i := range len(n.extra) + 2 {
		name := "BoxPredictor_" + strconv.Itoa(i)
		n.heads = append(n.heads, head{newFilter(name+"/BoxEncodingPredictor", 1), newFilter(name+"/ClassPredictor", 1)})
	}
	return n
}

func (n network) run(ctx context.Context, input *nn.Tensor, visit func(boxes, classes *nn.Tensor)) error {
	var expanded, filtered nn.Tensor // the largest feature maps; all blocks use the same memory
	heads := n.heads
	predict := func(x *nn.Tensor) {
		visit(heads[0].boxes.apply(&filtered, x), heads[0].classes.apply(&filtered, x))
		heads = heads[1:]
	}
	x := n.first.Apply(&nn.Tensor{}, input).ReLU6()
	for i, b := range n.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		in := x
		if b.expand != nil {
			x = b.expand.Apply(&expanded, x).ReLU6()
		}
		if i == firstHeadBlock {
			predict(x)
		}
		x = b.apply(&filtered, x)
		if slices.Equal(x.Shape, in.Shape) {
			x.Add(in)
		}
	}
	x = n.last.Apply(&expanded, x).ReLU6()
	predict(x)
	for _, b := range n.extra {
		x = b.apply(&filtered, b.expand.Apply(&nn.Tensor{}, x).ReLU6()).ReLU6()
		predict(x)
	}
	return nil
}

// apply uses `filtered` as scratch memory and returns a new tensor.
func (f filter) apply(filtered, x *nn.Tensor) *nn.Tensor {
	return f.pointwise.Apply(&nn.Tensor{}, f.depthwise.Apply(filtered, x).ReLU6())
}
