package nn

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

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

// Conv is an ordinary convolution.
type Conv struct {
	Filters, Bias *Tensor
	Stride        int
	Padding       Padding
}

// Apply gives a new map.
func (l Conv) Apply(in *Tensor) *Tensor {
	height, width, channels := in.Shape[0], in.Shape[1], in.Shape[2]
	rows, cols := l.Filters.Shape[0], l.Filters.Shape[1]
	outHeight, top := l.Padding.span(height, rows, l.Stride)
	outWidth, left := l.Padding.span(width, cols, l.Stride)
	out := New(outHeight, outWidth, l.Filters.Shape[3])
	fill(out.Data, l.Bias.Data)
	if rows == 1 && cols == 1 && l.Stride == 1 {
		multiply(in.Data, l.Filters.Data, out.Data, outHeight*outWidth, channels)
		return out
	}
	// Each output row becomes one matrix product over its windows laid out side by side: little memory, and
	// it stays in the cache.
	windows := make([]float32, outWidth*rows*cols*channels)
	for y := range outHeight {
		clear(windows)
		for x := range outWidth {
			window := windows[x*rows*cols*channels:]
			first, last := max(0, left-x*l.Stride), min(cols, width+left-x*l.Stride)
			for i := range rows {
				row := y*l.Stride + i - top
				if row < 0 || row >= height || last <= first {
					continue
				}
				from := in.Data[(row*width+x*l.Stride-left+first)*channels:]
				copy(window[(i*cols+first)*channels:], from[:(last-first)*channels])
			}
		}
		line := out.Data[y*outWidth*out.Shape[2]:][:outWidth*out.Shape[2]]
		multiply(windows, l.Filters.Data, line, outWidth, rows*cols*channels)
	}
	return out
}

// Depthwise convolves every channel with a filter of its own and adds no bias.
type Depthwise struct {
	Filters *Tensor
	Stride  int
	Padding Padding
}

// Apply gives a new map of as many channels.
func (l Depthwise) Apply(in *Tensor) *Tensor {
	height, width, channels := in.Shape[0], in.Shape[1], in.Shape[2]
	rows, cols := l.Filters.Shape[0], l.Filters.Shape[1]
	outHeight, top := l.Padding.span(height, rows, l.Stride)
	outWidth, left := l.Padding.span(width, cols, l.Stride)
	out := New(outHeight, outWidth, channels)
	for y := range outHeight {
		for x := range outWidth {
			sum := out.Data[(y*outWidth+x)*channels:][:channels]
			for i := range rows {
				row := y*l.Stride + i - top
				if row < 0 || row >= height {
					continue
				}
				for j := range cols {
					col := x*l.Stride + j - left
					if col < 0 || col >= width {
						continue
					}
					multiplyAdd(sum, in.Data[(row*width+col)*channels:], l.Filters.Data[(i*cols+j)*channels:])
				}
			}
		}
	}
	return out
}

// multiplyAdd adds the products of a and b to sum, whose length counts.
func multiplyAdd(sum, a, b []float32) {
	a, b = a[:len(sum)], b[:len(sum)] // spares a bounds check for each
	for i := range sum {
		sum[i] += a[i] * b[i]
	}
}

// Separable is a Depthwise followed by a 1×1 Conv.
type Separable struct {
	Depthwise Depthwise
	Pointwise Conv
}

// Apply gives a new map.
func (l Separable) Apply(in *Tensor) *Tensor {
	return l.Pointwise.Apply(l.Depthwise.Apply(in))
}

// Dense connects every input with every output.
type Dense struct {
	Weights, Bias *Tensor
}

// Apply gives new values.
func (l Dense) Apply(in []float32) []float32 {
	out := append([]float32(nil), l.Bias.Data...)
	multiply(in, l.Weights.Data, out, 1, len(in))
	return out
}

// fill repeats pattern over all of to.
func fill(to, pattern []float32) {
	for at := 0; at < len(to); at += len(pattern) {
		copy(to[at:], pattern)
	}
}

// multiply adds to c (rows × n) the product of a (rows × inner) and b (inner × n).
func multiply(a, b, c []float32, rows, inner int) {
	n := len(b) / inner
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas32.General{Rows: rows, Cols: inner, Stride: inner, Data: a},
		blas32.General{Rows: inner, Cols: n, Stride: n, Data: b},
		1, blas32.General{Rows: rows, Cols: n, Stride: n, Data: c})
}
