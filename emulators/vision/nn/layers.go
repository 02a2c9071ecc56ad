package nn

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Padding is how a convolution treats the edges of its input.
type Padding bool

const (
	// Same pads with zeros so that stride 1 keeps the size. An odd row or column of padding goes to the lower or right
	// edge, as in TensorFlow.
	Same Padding = true
	// Valid does not pad.
	Valid Padding = false
)

// span returns, for one dimension, the length of the output and the padding before the input.
func (p Padding) span(length, window, stride int) (steps, before int) {
	if p == Valid {
		return (length-window)/stride + 1, 0
	}
	steps = (length + stride - 1) / stride
	return steps, max((steps-1)*stride+window-length, 0) / 2
}

// Conv is an ordinary convolution. Its filters have the shape output channels, input channels, height, width.
type Conv struct {
	Filters, Bias *Tensor
	Stride        int
	Padding       Padding
}

// Apply returns a new feature map.
func (l Conv) Apply(in *Tensor) *Tensor {
	channels, rows, cols := l.Filters.Shape[0], l.Filters.Shape[2], l.Filters.Shape[3]
	height, top := l.Padding.span(in.Shape[1], rows, l.Stride)
	width, left := l.Padding.span(in.Shape[2], cols, l.Stride)
	out := New(channels, height, width)
	for c, bias := range l.Bias.Data {
		fill(out.plane(c), bias)
	}
	if rows == 1 && cols == 1 && l.Stride == 1 {
		multiply(l.Filters.Data, in.Data, out.Data, channels, height*width, height*width)
		return out
	}
	// Process about 4096 output positions at a time, so that their windows fit into the CPU cache.
	step := min(height, max(1, 4096/width))
	w := windows{in, rows, cols, l.Stride, left, width}
	matrix := make([]float32, in.Shape[0]*rows*cols*step*width)
	for y := 0; y < height; y += step {
		count := min(step, height-y)
		part := matrix[:in.Shape[0]*rows*cols*count*width]
		w.unroll(part, y*l.Stride-top, count)
		multiply(l.Filters.Data, part, out.Data[y*width:], channels, count*width, height*width)
	}
	return out
}

// windows unrolls a feature map, so that a convolution becomes a matrix product ("im2col").
type windows struct {
	in         *Tensor
	rows, cols int // of the window
	stride     int
	left       int // padding
	width      int // of the output
}

// unroll fills the matrix for count rows of output. The window of the first output row starts at input row top. The
// matrix has one row for each cell of the window (channel, row, column) and one column for each output position.
func (w windows) unroll(matrix []float32, top, count int) {
	height, width := w.in.Shape[1], w.in.Shape[2]
	for cell := range w.in.Shape[0] * w.rows * w.cols {
		plane, i, j := w.in.plane(cell/w.cols/w.rows), cell/w.cols%w.rows, cell%w.cols
		// In output columns first to last-1 the cell is inside the input; elsewhere it is padding.
		first := min((max(0, w.left-j)+w.stride-1)/w.stride, w.width)
		last := min(w.width, (max(0, width+w.left-j)+w.stride-1)/w.stride)
		for r := range count {
			to := matrix[:w.width]
			matrix = matrix[w.width:]
			clear(to)
			y := top + r*w.stride + i
			if y < 0 || y >= height || first >= last {
				continue
			}
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

// Depthwise convolves each channel with its own filter. Its filters have the shape 1, channels, height, width. Bias may
// be nil.
type Depthwise struct {
	Filters, Bias *Tensor
	Stride        int
	Padding       Padding
}

// Apply returns a new feature map with the same number of channels.
//
// It copies each channel into a padded plane. There, the contributions of one filter cell to all outputs are one long
// vector: the plane from that cell on, times the cell's weight. Sums that wrap around an edge are computed too, but
// never read.
func (l Depthwise) Apply(in *Tensor) *Tensor {
	rows, cols := l.Filters.Shape[2], l.Filters.Shape[3]
	height, top := l.Padding.span(in.Shape[1], rows, l.Stride)
	width, left := l.Padding.span(in.Shape[2], cols, l.Stride)
	out := New(in.Shape[0], height, width)
	paddedWidth := (width-1)*l.Stride + cols
	padded := make([]float32, ((height-1)*l.Stride+rows)*paddedWidth)
	sums := make([]float32, (height-1)*l.Stride*paddedWidth+(width-1)*l.Stride+1)
	for c := range in.Shape[0] {
		from, to := in.plane(c), out.plane(c)
		for y := 0; y < in.Shape[1] && (y+top)*paddedWidth < len(padded); y++ {
			copy(padded[(y+top)*paddedWidth+left:(y+top+1)*paddedWidth], from[y*in.Shape[2]:][:in.Shape[2]])
		}
		bias := float32(0)
		if l.Bias != nil {
			bias = l.Bias.Data[c]
		}
		fill(sums, bias)
		for cell, weight := range l.Filters.Data[c*rows*cols:][:rows*cols] {
			shifted := padded[cell/cols*paddedWidth+cell%cols:]
			gonum.Implementation{}.Saxpy(len(sums), weight, shifted, 1, sums, 1)
		}
		for y := range height {
			row := sums[y*paddedWidth*l.Stride:]
			for x := range width {
				to[y*width+x] = row[x*l.Stride]
			}
		}
	}
	return out
}

// Separable is a Depthwise followed by a 1×1 Conv.
type Separable struct {
	Depthwise Depthwise
	Pointwise Conv
}

// Apply returns a new feature map.
func (l Separable) Apply(in *Tensor) *Tensor { return l.Pointwise.Apply(l.Depthwise.Apply(in)) }

// Dense connects every input with every output. Its weights have the shape inputs, outputs.
type Dense struct {
	Weights, Bias *Tensor
}

// Apply returns new values.
func (l Dense) Apply(in []float32) []float32 {
	out := append([]float32(nil), l.Bias.Data...)
	multiply(in, l.Weights.Data, out, 1, len(out), len(out))
	return out
}

// multiply adds the matrix product of a (rows × inner) and b (inner × cols) to c. The rows of c start stride apart.
func multiply(a, b, c []float32, rows, cols, stride int) {
	inner := len(a) / rows
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, rows, cols, inner, 1, a, inner, b, cols, 1, c, stride)
}

func fill(values []float32, v float32) {
	for i := range values {
		values[i] = v
	}
}
