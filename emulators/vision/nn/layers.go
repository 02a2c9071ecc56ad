package nn

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// span returns the length of a layer's output, and the number of zeros before its input as in TensorFlow's padding SAME.
func span(length, window, stride int) (outLength, zerosBefore int) {
	outLength = (length + stride - 1) / stride
	return outLength, max((outLength-1)*stride+window-length, 0) / 2
}

// The shape of Filters is output channels × input channels × height × width.
type Conv struct {
	Filters, Bias *Tensor
	Stride        int
}

// Apply returns `out`. The tensors `out` and `in` must be different.
func (l Conv) Apply(out, in *Tensor) *Tensor {
	channels, inner := l.Filters.Shape[0], len(l.Filters.Data)/l.Filters.Shape[0]
	height, top := span(in.Shape[1], l.Filters.Shape[2], l.Stride)
	width, left := span(in.Shape[2], l.Filters.Shape[3], l.Stride)
	out.resize(channels, height, width)
	for c, bias := range l.Bias.Data {
		fill(out.plane(c), bias)
	}
	if inner == in.Shape[0] && l.Stride == 1 { // a window of 1×1
		multiply(l.Filters.Data, in.Data, out.Data, channels, height*width, height*width)
		return out
	}
	// One step computes about 4096 output positions, so that their input windows fit into the CPU cache.
	step := min(height, max(1, 4096/width))
	matrix := make([]float32, inner*step*width)
	for y := 0; y < height; y += step {
		count := min(step, height-y)
		part := matrix[:inner*count*width]
		l.unroll(part, in, y*l.Stride-top, left, count, width)
		multiply(l.Filters.Data, part, out.Data[y*width:], channels, count*width, height*width)
	}
	return out
}

// unroll (im2col) copies each input window to a column of the matrix, so that one matrix product computes the
// convolution.
func (l Conv) unroll(matrix []float32, in *Tensor, top, left, count, width int) {
	rows, cols, inHeight, inWidth := l.Filters.Shape[2], l.Filters.Shape[3], in.Shape[1], in.Shape[2]
	for cell := range in.Shape[0] * rows * cols {
		plane, i, j := in.plane(cell/cols/rows), cell/cols%rows, cell%cols
		first := min((max(0, left-j)+l.Stride-1)/l.Stride, width)
		last := min(width, (max(0, inWidth+left-j)+l.Stride-1)/l.Stride)
		for r := range count {
			to := matrix[:width]
			matrix = matrix[width:]
			clear(to)
			y := top + r*l.Stride + i
			if y < 0 || y >= inHeight {
				continue
			}
			from := plane[y*inWidth:][:inWidth]
			for x := first; x < last; x++ {
				to[x] = from[x*l.Stride+j-left]
			}
		}
	}
}

// The shape of Filters is 1 × channels × height × width. Bias may be nil.
type Depthwise struct {
	Filters, Bias *Tensor
	Stride        int
}

// Apply returns `out`. The tensors `out` and `in` must be different.
func (l Depthwise) Apply(out, in *Tensor) *Tensor {
	rows, cols := l.Filters.Shape[2], l.Filters.Shape[3]
	height, top := span(in.Shape[1], rows, l.Stride)
	width, left := span(in.Shape[2], cols, l.Stride)
	out.resize(in.Shape[0], height, width)
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

type Separable struct {
	Depthwise Depthwise
	Pointwise Conv
}

// Apply returns `out`.
func (l Separable) Apply(out, in *Tensor) *Tensor {
	return l.Pointwise.Apply(out, l.Depthwise.Apply(&Tensor{}, in))
}

// The shape of Weights is inputs × outputs.
type Dense struct{ Weights, Bias *Tensor }

func (l Dense) Apply(in []float32) []float32 {
	out := append([]float32(nil), l.Bias.Data...)
	multiply(in, l.Weights.Data, out, 1, len(out), len(out))
	return out
}

// multiply adds a × b to c. The rows of c start `stride` values apart.
func multiply(a, b, c []float32, rows, cols, stride int) {
	inner := len(a) / rows
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, rows, cols, inner, 1, a, inner, b, cols, 1, c, stride)
}

func fill(values []float32, v float32) {
	for i := range values {
		values[i] = v
	}
}
