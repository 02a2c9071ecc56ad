package nn

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Model is the weights of one network by name. What is asked of it and missing is remembered and told
// by Err, so that a network is put together line by line and checked once.
type Model struct {
	stored map[string]weight
	err    error
}

// weight is an entry of a TensorFlow.js weights manifest; the values follow each other in the data.
type weight struct {
	Name         string `json:"name"`
	Shape        []int  `json:"shape"`
	Dtype        string `json:"dtype"`
	Quantization *struct {
		Dtype string  `json:"dtype"`
		Scale float64 `json:"scale"`
		Min   float64 `json:"min"`
	} `json:"quantization"`

	data []byte
}

// Read takes a TensorFlow.js weights manifest and the data it describes: float32, or uint8 with a scale
// and a minimum a tensor. Anything else is an error that names it.
func Read(manifest, data []byte) (*Model, error) {
	var groups []struct {
		Weights []weight `json:"weights"`
	}
	if err := json.Unmarshal(manifest, &groups); err != nil {
		return nil, fmt.Errorf("reading the weights manifest: %w", err)
	}
	m := &Model{stored: map[string]weight{}}
	for _, group := range groups {
		for _, w := range group.Weights {
			length, err := w.length()
			if err == nil && length > len(data) {
				err = fmt.Errorf("shape %v needs more than the %d bytes that are left", w.Shape, len(data))
			}
			if err != nil {
				return nil, fmt.Errorf("weights %q: %w", w.Name, err)
			}
			w.data, data = data[:length], data[length:]
			m.stored[w.Name] = w
		}
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes of weights are left over: manifest and data do not belong together", len(data))
	}
	return m, nil
}

// length is how many bytes the values take.
func (w weight) length() (int, error) {
	stored := w.Dtype
	if w.Quantization != nil {
		stored = w.Quantization.Dtype
	}
	n := size(w.Shape)
	switch {
	case n < 0 || n > 1<<30:
		return 0, fmt.Errorf("shape %v is none", w.Shape)
	case stored == "uint8" && w.Quantization != nil:
		return n, nil
	case stored == "float32":
		return 4 * n, nil
	}
	return 0, fmt.Errorf("data type %q is not supported", stored)
}

func (w weight) decode() *Tensor {
	t := New(w.Shape...)
	for i := range t.Data {
		if w.Quantization != nil && w.Quantization.Dtype == "uint8" {
			t.Data[i] = float32(float64(w.data[i])*w.Quantization.Scale + w.Quantization.Min)
		} else {
			t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.data[4*i:]))
		}
	}
	return t
}

// Err is the first thing asked for that the model does not have.
func (m *Model) Err() error { return m.err }

// Tensor is the weights of that name and shape; a dimension of 0 may be any.
func (m *Model) Tensor(name string, shape ...int) *Tensor {
	w, ok := m.stored[name]
	if ok && slices.EqualFunc(w.Shape, shape, func(has, want int) bool { return has == want || want == 0 }) {
		return w.decode()
	}
	if m.err == nil {
		m.err = fmt.Errorf("the model has no weights %q of shape %v", name, shape)
	}
	return New(slices.Repeat([]int{1}, len(shape))...) // something to build on until Err is read
}

// Conv is the convolution whose weights are name/filters and name/bias.
func (m *Model) Conv(name string, stride int, padding Padding) Conv {
	filters := m.filters(name, "filters", 0, 0, 0, 0)
	bias := m.Tensor(name+"/bias", filters.Shape[3])
	return Conv{channelsFirst(filters), bias, stride, padding}
}

// Depthwise is the padded depthwise convolution whose weights are name/depthwise_filter and name/bias.
func (m *Model) Depthwise(name string, stride int) Depthwise {
	filters := m.filters(name, "depthwise_filter", 0, 0, 0, 1)
	bias := m.Tensor(name+"/bias", filters.Shape[2])
	return Depthwise{channelsFirst(filters), bias, stride, Same}
}

// filters are the weights of a convolution. There may be a scale and a minimum for each output channel, the fastest
// dimension, beside them.
func (m *Model) filters(name, kind string, shape ...int) *Tensor {
	stored := m.Tensor(name+"/"+kind, shape...)
	if _, ok := m.stored[name+"/scale"]; !ok {
		return stored
	}
	channels := stored.Shape[3]
	if channels == 1 {
		channels = stored.Shape[2]
	}
	scale, least := m.Tensor(name+"/scale", channels), m.Tensor(name+"/min", channels)
	if m.err != nil {
		return stored
	}
	for i, v := range stored.Data {
		stored.Data[i] = v*scale.Data[i%channels] + least.Data[i%channels]
	}
	return stored
}

// Separable is the padded separable convolution whose weights are name/depthwise_filter,
// name/pointwise_filter and name/bias.
func (m *Model) Separable(name string, stride int) Separable {
	depthwise := m.Tensor(name+"/depthwise_filter", 0, 0, 0, 1)
	pointwise := m.Tensor(name+"/pointwise_filter", 1, 1, depthwise.Shape[2], 0)
	bias := m.Tensor(name+"/bias", pointwise.Shape[3])
	return Separable{
		Depthwise{Filters: channelsFirst(depthwise), Stride: stride, Padding: Same},
		Conv{channelsFirst(pointwise), bias, 1, Same},
	}
}

// channelsFirst reorders filters from TensorFlow's height, width, in, out to out, in, height, width. It releases them, so
// what else is to be known of them is read before.
func channelsFirst(t *Tensor) *Tensor {
	window, in, out := t.Shape[0]*t.Shape[1], t.Shape[2], t.Shape[3]
	to := New(out, in, t.Shape[0], t.Shape[1])
	for i, v := range t.Data {
		o, c, at := i%out, i/out%in, i/out/in
		to.Data[(o*in+c)*window+at] = v
	}
	t.Release()
	return to
}

// Dense is the layer whose weights are name/weights and name/bias.
func (m *Model) Dense(name string) Dense {
	weights := m.Tensor(name+"/weights", 0, 0)
	return Dense{weights, m.Tensor(name+"/bias", weights.Shape[1])}
}
