package nn

import "gonum.org/v1/gonum/blas/gonum"

// Padding says what a convolution does at the edges.
type Padding bool

const (
	// Same pads with zeros, so that stride 1 keeps the size; an odd row or column goes last.
	Same Padding = true
	// Valid stays inside the map.
	Valid Padding = false
)

// span is how many steps fit along one dimension, and how much padding comes first.
func (p Padding) span(length, window, stride int) (steps, before int) {
	if p == Valid {
		return (length-window)/stride + 1, 0
	}
	steps = (length + stride - 1) / stride
	return steps, max((steps-1)*stride+window-length, 0) / 2
}

// Conv is an ordinary convolution. Its filters have the shape channels out, channels in, height, width.
type Conv struct {
	Filters, Bias *Tensor
	Stride        int
	Padding       Padding
}

// Part is the layer without the channels before first and from last on.
func (l Conv) Part(first, last int) Conv {
	l.Filters, l.Bias = l.Filters.part(0, first, last), l.Bias.part(0, first, last)
	return l
}

// Apply gives a new map.
func (l Conv) Apply(in *Tensor) *Tensor {
	channels, rows, cols := l.Filters.Shape[0], l.Filters.Shape[2], l.Filters.Shape[3]
	height, top := l.Padding.span(in.Shape[1], rows, l.Stride)
	width, left := l.Padding.span(in.Shape[2], cols, l.Stride)
	out := unset(channels, height, width)
	for c, bias := range l.Bias.Data {
		plane := out.plane(c)
		for i := range plane {
			plane[i] = bias
		}
	}
	if rows == 1 && cols == 1 && l.Stride == 1 {
		multiply(l.Filters.Data, in.Data, out.Data, channels, height*width, height*width)
		return out
	}
	// A few rows at a time, so that their windows stay in the cache.
	step := min(height, max(1, 4096/width))
	w := windows{in, rows, cols, l.Stride, left, width}
	matrix := unset(in.Shape[0] * rows * cols * step * width)
	defer matrix.Release()
	for y := 0; y < height; y += step {
		count := min(step, height-y)
		part := matrix.Data[:in.Shape[0]*rows*cols*count*width]
		w.layOut(part, y*l.Stride-top, count)
		multiply(l.Filters.Data, part, out.Data[y*width:], channels, count*width, height*width)
	}
	return out
}

// windows lays out a map for a convolution as a matrix product.
type windows struct {
	in         *Tensor
	rows, cols int // of the window
	stride     int
	left       int // padding
	width      int // steps in a row
}

// layOut fills the matrix: a row for each cell of the window (channel, row, column), a column for each step of
// count rows of steps, the first of which has its upper edge at top.
func (w windows) layOut(matrix []float32, top, count int) {
	height, width := w.in.Shape[1], w.in.Shape[2]
	for cell := range w.in.Shape[0] * w.rows * w.cols {
		plane, i, j := w.in.plane(cell/w.cols/w.rows), cell/w.cols%w.rows, cell%w.cols
		// The steps first to last-1 are those whose cell is inside the map.
		first := min((max(0, w.left-j)+w.stride-1)/w.stride, w.width)
		last := min(w.width, (max(0, width+w.left-j)+w.stride-1)/w.stride)
		for r := range count {
			to := matrix[:w.width]
			matrix = matrix[w.width:]
			y := top + r*w.stride + i
			if y < 0 || y >= height || first >= last {
				clear(to)
				continue
			}
			clear(to[:first])
			clear(to[last:])
			from := plane[y*width:][:width]
			if w.stride == 1 {
				copy(to[first:last], from[first+j-w.left:])
				continue
			}
			for x := first; x < last; x++ {
				to[x] = from[x*w.stride+j-w.left]
			}
		}
	}
}

// Depthwise convolves every channel with a filter of its own. Its filters have the shape 1, channels, height,
// width. Without a bias it adds none.
type Depthwise struct {
	Filters, Bias *Tensor
	Stride        int
	Padding       Padding
}

// Part is the layer without the channels before first and from last on.
func (l Depthwise) Part(first, last int) Depthwise {
	l.Filters = l.Filters.part(1, first, last)
	if l.Bias != nil {
		l.Bias = l.Bias.part(0, first, last)
	}
	return l
}

// Apply gives a new map of as many channels.
func (l Depthwise) Apply(in *Tensor) *Tensor {
	height, width := l.Size(in)
	out := unset(in.Shape[0], height, width)
	InParallel(in.Shape[0], func(first, last int) { l.channels(in, out, first, last) })
	return out
}

// Size is the height and width of what Apply makes of a map.
func (l Depthwise) Size(in *Tensor) (height, width int) {
	height, _ = l.Padding.span(in.Shape[1], l.Filters.Shape[2], l.Stride)
	width, _ = l.Padding.span(in.Shape[2], l.Filters.Shape[3], l.Stride)
	return height, width
}

// channels does the channels from first to last-1. On a plane with its padding around it, the whole sum for
// one cell of the window is one long vector: the plane from that cell on. The few sums that wrap around an
// edge are never read.
func (l Depthwise) channels(in, out *Tensor, first, last int) {
	rows, cols := l.Filters.Shape[2], l.Filters.Shape[3]
	height, top := l.Padding.span(in.Shape[1], rows, l.Stride)
	width, left := l.Padding.span(in.Shape[2], cols, l.Stride)
	wide := (width-1)*l.Stride + cols
	padded := New(((height-1)*l.Stride + rows) * wide)
	sums := unset((height-1)*l.Stride*wide + (width-1)*l.Stride + 1)
	defer padded.Release()
	defer sums.Release()
	for c := first; c < last; c++ {
		from, to := in.plane(c), out.plane(c)
		for y := 0; y < in.Shape[1] && (y+top)*wide < len(padded.Data); y++ {
			copy(padded.Data[(y+top)*wide+left:(y+top+1)*wide], from[y*in.Shape[2]:][:in.Shape[2]])
		}
		l.start(sums.Data, c)
		for cell, weight := range l.Filters.Data[c*rows*cols:][:rows*cols] {
			shifted := padded.Data[cell/cols*wide+cell%cols:]
			axpy(len(sums.Data), weight, shifted, sums.Data)
		}
		for y := range height {
			row, kept := sums.Data[y*wide*l.Stride:], to[y*width:][:width]
			if l.Stride == 1 {
				copy(kept, row)
				continue
			}
			for x := range kept {
				kept[x] = row[x*l.Stride]
			}
		}
	}
}

// start sets the sums of a channel to its bias.
func (l Depthwise) start(sums []float32, channel int) {
	bias := float32(0)
	if l.Bias != nil {
		bias = l.Bias.Data[channel]
	}
	for i := range sums {
		sums[i] = bias
	}
}

// Separable is a Depthwise followed by a 1×1 Conv.
type Separable struct {
	Depthwise Depthwise
	Pointwise Conv
}

// Apply gives a new map.
func (l Separable) Apply(in *Tensor) *Tensor {
	between := l.Depthwise.Apply(in)
	defer between.Release()
	return l.Pointwise.Apply(between)
}

// Dense connects every input with every output. Its weights have the shape in, out.
type Dense struct {
	Weights, Bias *Tensor
}

// Apply gives new values.
func (l Dense) Apply(in []float32) []float32 {
	out := append([]float32(nil), l.Bias.Data...)
	multiply(in, l.Weights.Data, out, 1, len(out), len(out))
	return out
}

// multiply adds the product of a (rows × inner) and b (inner × cols) to c, whose rows begin stride apart. gonum's own
// product adds rows of 64 numbers, and takes half as long again.
func multiply(a, b, c []float32, rows, cols, stride int) {
	if cols <= 128 {
		dots(a, b, c, rows, cols, stride)
		return
	}
	inner := len(a) / rows
	const width, depth = 512, 12 // of a part of b that stays in the nearest cache
	InParallel(rows, func(first, last int) {
		for x := 0; x < cols; x += width {
			n := min(width, cols-x)
			for k := 0; k < inner; k += depth {
				for row := first; row < last; row++ {
					sums := c[row*stride+x:]
					for i, factor := range a[row*inner+k : row*inner+min(k+depth, inner)] {
						axpy(n, factor, b[(k+i)*cols+x:], sums)
					}
				}
			}
		}
	})
}

// dots is multiply for a c of short rows: with b's columns as rows, what is added up is longer.
func dots(a, b, c []float32, rows, cols, stride int) {
	inner := len(a) / rows
	columns := unset(len(b))
	defer columns.Release()
	for k := range inner {
		for x, v := range b[k*cols:][:cols] {
			columns.Data[x*inner+k] = v
		}
	}
	const width = 8 // columns that stay in the nearest cache
	InParallel(rows, func(first, last int) {
		for x := 0; x < cols; x += width {
			for row := first; row < last; row++ {
				for at := x; at < min(x+width, cols); at++ {
					c[row*stride+at] += gonum.Implementation{}.Sdot(inner, a[row*inner:], 1, columns.Data[at*inner:], 1)
				}
			}
		}
	})
}

// axpy adds the first n numbers of x, each times the factor, to those of y.
func axpy(n int, factor float32, x, y []float32) {
	gonum.Implementation{}.Saxpy(n, factor, x, 1, y, 1)
}
