package objects

import (
	"context"
	"slices"
	"strconv"

	"triptych/emulators/vision/nn"
)

// inputSize is the side of the square the network sees; it was trained with pictures stretched to it.
const inputSize = 300

// network is a MobileNetV2, four smaller layers after it, and on six of their maps, from fine to coarse, a pair
// of heads that say what is there and where.
type network struct {
	first  nn.Conv
	blocks []block
	last   nn.Conv
	extra  []extra
	heads  []head
}

// block widens its map, looks at each channel by itself, and narrows it again; what goes in is added to what
// comes out if it fits.
type block struct {
	expand    nn.Conv // not in the first block
	depthwise nn.Depthwise
	project   nn.Conv
}

// extra halves a map.
type extra struct {
	reduce    nn.Conv
	depthwise nn.Depthwise
	spread    nn.Conv
}

// head reads boxes and classes off a map.
type head struct{ box, class branch }

type branch struct {
	depthwise nn.Depthwise
	predict   nn.Conv
}

// strides of the blocks, and the block within which the first, finest pair of heads looks.
var strides = [...]int{1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1}

const finest = 13

func newNetwork(m *nn.Model) network {
	pointwise := func(name string) nn.Conv { return m.Conv(name, 1, nn.Same) }
	n := network{first: m.Conv("Conv", 2, nn.Same), last: pointwise("Conv_1")}
	for i, stride := range strides {
		name := "expanded_conv"
		b := block{}
		if i > 0 {
			name += "_" + strconv.Itoa(i)
			b.expand = pointwise(name + "/expand")
		}
		b.depthwise, b.project = m.Depthwise(name+"/depthwise", stride), pointwise(name+"/project")
		n.blocks = append(n.blocks, b)
	}
	for i, size := range [...]struct{ reduced, spread string }{{"256", "512"}, {"128", "256"}, {"128", "256"}, {"64", "128"}} {
		at := strconv.Itoa(i + 2)
		spread := "layer_19_2_Conv2d_" + at + "_3x3_s2_" + size.spread
		n.extra = append(n.extra, extra{
			pointwise("layer_19_1_Conv2d_" + at + "_1x1_" + size.reduced), m.Depthwise(spread+"_depthwise", 2), pointwise(spread),
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

// run hands the heads' findings to seen, the finest first. It uses up the input, and stops when the context ends.
func (n network) run(ctx context.Context, x *nn.Tensor, seen func(boxes, classes *nn.Tensor)) error {
	heads := n.heads
	look := func(at *nn.Tensor) {
		boxes, classes := heads[0].box.apply(at), heads[0].class.apply(at)
		heads = heads[1:]
		seen(boxes, classes)
		boxes.Release()
		classes.Release()
	}
	x = next(n.first, x)
	for i, b := range n.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i == finest {
			wide := activated(b.expand, x)
			look(wide)
			x = b.narrow(next(b.depthwise, wide), x)
			continue
		}
		x = b.narrow(b.deep(x), x)
	}
	x = next(n.last, x)
	look(x)
	for _, e := range n.extra {
		x = next(e.spread, next(e.depthwise, next(e.reduce, x)))
		look(x)
	}
	x.Release()
	return nil
}

// narrow uses up what the depthwise layer has made, and what went into the block.
func (b block) narrow(deep, in *nn.Tensor) *nn.Tensor {
	out := b.project.Apply(deep)
	if slices.Equal(out.Shape, in.Shape) {
		out.Add(in)
	}
	deep.Release()
	in.Release()
	return out
}

// atOnce is how many numbers of the wide map a processor makes at once: whole, the largest takes 9 MB.
const atOnce = 200_000

// deep is what the depthwise layer makes. Its channels have nothing to do with each other, so each processor makes some of
// them, a few at a time.
func (b block) deep(in *nn.Tensor) *nn.Tensor {
	if b.expand.Filters == nil {
		return activated(b.depthwise, in)
	}
	channels, step := b.expand.Bias.Shape[0], max(1, atOnce/in.Shape[1]/in.Shape[2])
	height, width := b.depthwise.Size(in)
	deep := nn.New(channels, height, width)
	nn.InParallel(channels, func(from, to int) {
		for first := from; first < to; first += step {
			last := min(first+step, to)
			part := next(b.depthwise.Part(first, last), activated(b.expand.Part(first, last), in))
			copy(deep.Data[first*height*width:], part.Data)
			part.Release()
		}
	})
	return deep
}

func (b branch) apply(at *nn.Tensor) *nn.Tensor {
	x := activated(b.depthwise, at)
	defer x.Release()
	return b.predict.Apply(x)
}

type layer interface {
	Apply(in *nn.Tensor) *nn.Tensor
}

func activated(l layer, in *nn.Tensor) *nn.Tensor {
	out := l.Apply(in)
	out.ReLU6()
	return out
}

// next uses up what goes in.
func next(l layer, in *nn.Tensor) *nn.Tensor {
	defer in.Release()
	return activated(l, in)
}
