// Package nn runs small convolutional networks forward, one picture at a time, in plain Go: no C, no
// batches, no training. Layers only read their weights, so one network may serve many goroutines. It
// knows nothing of pictures or faces.
package nn

import (
	"math"
	"slices"
)

// Tensor is an array of numbers, last dimension fastest. A feature map has the shape channels, height,
// width: rows stay together, which is what makes the loops over them fast.
type Tensor struct {
	Shape []int
	Data  []float32
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Clone is a copy that shares nothing.
func (t *Tensor) Clone() *Tensor {
	c := unset(append([]int(nil), t.Shape...)...)
	copy(c.Data, t.Data)
	return c
}

// Add adds u, of the same shape, in place.
func (t *Tensor) Add(u *Tensor) {
	for i, v := range u.Data {
		t.Data[i] += v
	}
}

// ReLU makes what is negative 0, in place.
func (t *Tensor) ReLU() {
	for i, v := range t.Data {
		t.Data[i] = max(v, 0)
	}
}

// ReLU6 keeps values between 0 and 6, in place.
func (t *Tensor) ReLU6() {
	// Numbers that are not negative are ordered as their bits are, and those are compared without a branch.
	six := int32(math.Float32bits(6))
	for i, v := range t.Data {
		bits := int32(math.Float32bits(v))
		t.Data[i] = math.Float32frombits(uint32(min(bits&^(bits>>31), six)))
	}
}

// LeakyReLU multiplies what is negative by slope, below 1, in place.
func (t *Tensor) LeakyReLU(slope float32) {
	for i, v := range t.Data {
		t.Data[i] = max(v, v*slope)
	}
}

// ChannelMeans averages each channel of a feature map.
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

// part shares a tensor's numbers from first to last-1 of one dimension, before which all are 1. It must not be released.
func (t *Tensor) part(dimension, first, last int) *Tensor {
	shape := slices.Clone(t.Shape)
	each := len(t.Data) / shape[dimension]
	shape[dimension] = last - first
	return &Tensor{shape, t.Data[first*each : last*each : last*each]}
}

// plane is one channel of a feature map.
func (t *Tensor) plane(channel int) []float32 {
	n := t.Shape[1] * t.Shape[2]
	return t.Data[channel*n:][:n]
}

// MaxPool takes the largest of every 2×2 window, stepping by stride; windows that hang over the right
// or lower edge count only what is inside.
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

// Sigmoid maps any number into 0 to 1.
func Sigmoid(v float32) float32 {
	return float32(1 / (1 + math.Exp(-float64(v))))
}

// Softmax makes shares that add up to 1 of scores.
func Softmax(scores []float32) []float32 {
	top := scores[0]
	for _, v := range scores {
		top = max(top, v)
	}
	shares := make([]float32, len(scores))
	var sum float32
	for i, v := range scores {
		shares[i] = float32(math.Exp(float64(v - top)))
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}
