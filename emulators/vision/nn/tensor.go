// Package nn runs small convolutional networks in Go. It cannot train them. Layers do not change their weights, so
// goroutines can share a network.
package nn

import (
	"math"
	"slices"
)

// The last dimension varies fastest in Data. A feature map has the shape channels × height × width.
type Tensor struct {
	Shape []int
	Data  []float32
}

// New returns a tensor of zeros.
func New(shape ...int) *Tensor { return &Tensor{shape, make([]float32, size(shape))} }

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// resize leaves the values undefined.
func (t *Tensor) resize(shape ...int) {
	n := size(shape)
	if cap(t.Data) < n {
		t.Data = make([]float32, n)
	}
	t.Shape, t.Data = shape, t.Data[:n]
}

func (t *Tensor) Clone() *Tensor {
	return &Tensor{slices.Clone(t.Shape), slices.Clone(t.Data)}
}

// Add requires equal shapes.
func (t *Tensor) Add(u *Tensor) {
	for i, v := range u.Data {
		t.Data[i] += v
	}
}

// ReLU works in place and returns t.
func (t *Tensor) ReLU() *Tensor {
	for i, v := range t.Data {
		t.Data[i] = max(v, 0)
	}
	return t
}

// ReLU6 works in place and returns t.
func (t *Tensor) ReLU6() *Tensor {
	for i, v := range t.Data {
		t.Data[i] = min(max(v, 0), 6)
	}
	return t
}

func (t *Tensor) ChannelMeans() []float32 {
	means := make([]float32, t.Shape[0])
	for c := range means {
		plane := t.plane(c)
		for _, v := range plane {
			means[c] += v
		}
		means[c] /= float32(len(plane))
	}
	return means
}

// plane shares the memory of t.
func (t *Tensor) plane(channel int) []float32 {
	n := t.Shape[1] * t.Shape[2]
	return t.Data[channel*n:][:n]
}

// Even adds a row of zeros at the bottom if the height is odd, and a column on the right if the width is odd.
func (t *Tensor) Even() *Tensor {
	height, width := t.Shape[1], t.Shape[2]
	if height%2 == 0 && width%2 == 0 {
		return t
	}
	out := New(t.Shape[0], height+height%2, width+width%2)
	for c := range t.Shape[0] {
		for y := range height {
			copy(out.plane(c)[y*out.Shape[2]:], t.plane(c)[y*width:][:width])
		}
	}
	return out
}

// Sigmoid is the logistic function.
func Sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

func Softmax(scores []float32) []float32 {
	highest := slices.Max(scores)
	probabilities := make([]float32, len(scores))
	var sum float32
	for i, v := range scores {
		probabilities[i] = float32(math.Exp(float64(v - highest))) // the subtraction prevents an overflow
		sum += probabilities[i]
	}
	for i := range probabilities {
		probabilities[i] /= sum
	}
	return probabilities
}
