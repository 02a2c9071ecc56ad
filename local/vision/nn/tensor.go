// Package nn runs small convolutional networks forward, one picture at a time, in plain Go: no C, no
// batches, no training. Layers only read their weights, so one network may serve many goroutines. It
// knows nothing of pictures or faces.
package nn

import "math"

// Tensor is an array of numbers, last dimension fastest. A feature map has the shape height, width,
// channels; the filters of a convolution height, width, channels in, channels out.
type Tensor struct {
	Shape []int
	Data  []float32
}

// New is a tensor of zeros.
func New(shape ...int) *Tensor {
	return &Tensor{Shape: shape, Data: make([]float32, size(shape))}
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
	c := New(append([]int(nil), t.Shape...)...)
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

// LeakyReLU multiplies what is negative by slope, in place.
func (t *Tensor) LeakyReLU(slope float32) {
	for i, v := range t.Data {
		if v < 0 {
			t.Data[i] = v * slope
		}
	}
}

// ChannelMeans averages a feature map over its height and width.
func (t *Tensor) ChannelMeans() []float32 {
	channels := t.Shape[2]
	means := make([]float32, channels)
	for at := 0; at < len(t.Data); at += channels {
		for c, v := range t.Data[at : at+channels] {
			means[c] += v
		}
	}
	for c := range means {
		means[c] /= float32(t.Shape[0] * t.Shape[1])
	}
	return means
}

// MaxPool takes the largest of every 2×2 window, stepping by stride; windows that hang over the right
// or lower edge count only what is inside.
func (t *Tensor) MaxPool(stride int) *Tensor {
	height, width, channels := t.Shape[0], t.Shape[1], t.Shape[2]
	// A window of 2 needs at most one padded row or column, and TensorFlow's "same" puts an odd one last.
	outHeight, outWidth := (height+stride-1)/stride, (width+stride-1)/stride
	out := New(outHeight, outWidth, channels)
	for y := range outHeight {
		for x := range outWidth {
			best := out.Data[(y*outWidth+x)*channels:][:channels]
			copy(best, t.Data[(y*stride*width+x*stride)*channels:])
			for i := y * stride; i < min(y*stride+2, height); i++ {
				for j := x * stride; j < min(x*stride+2, width); j++ {
					for c, v := range t.Data[(i*width+j)*channels:][:channels] {
						best[c] = max(best[c], v)
					}
				}
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
