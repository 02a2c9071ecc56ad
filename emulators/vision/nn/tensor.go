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

// LeakyReLU works in place and returns t. The slope must be below 1.
func (t *Tensor) LeakyReLU(slope float32) *Tensor {
	for i, v := range t.Data {
		t.Data[i] = max(v, v*slope)
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

func (t *Tensor) MaxPool(stride int) *Tensor {
	height, width := t.Shape[1], t.Shape[2]
	out := New(t.Shape[0], (height+stride-1)/stride, (width+stride-1)/stride)
	for c := range t.Shape[0] {
		from, to := t.plane(c), out.plane(c)
		for y := 0; y < height; y += stride {
			upper := from[y*width:][:width]
			lower := from[min(y+1, height-1)*width:][:width]
			for x := 0; x < width; x += stride {
				next := min(x+1, width-1)
				to[0] = max(upper[x], upper[next], lower[x], lower[next])
				to = to[1:]
			}
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
