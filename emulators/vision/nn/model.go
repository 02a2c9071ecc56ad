package nn

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// The methods of Model return a placeholder for a missing weight. Check Err after the last method call.
type Model struct {
	stored map[string]weight
	err    error
}

// weight is a TensorFlow.js manifest entry.
type weight struct {
	Name, Dtype  string
	Shape        []int
	Quantization *struct {
		Dtype      string
		Scale, Min float64
	}

	data []byte
}

// Read accepts TensorFlow.js weights of type float32, and of type uint8 with one scale and one minimum per tensor.
func Read(manifest, data []byte) (*Model, error) {
	var groups []struct{ Weights []weight }
	if err := json.Unmarshal(manifest, &groups); err != nil {
		return nil, fmt.Errorf("reading the weights manifest: %w", err)
	}
	m := &Model{stored: map[string]weight{}}
	for _, group := range groups {
		for _, w := range group.Weights {
			dtype, supported, length := w.Dtype, "float32", 4*size(w.Shape)
			if w.Quantization != nil {
				dtype, supported, length = w.Quantization.Dtype, "uint8", size(w.Shape)
			}
			if dtype != supported {
				return nil, fmt.Errorf("reading weights %q: data type %q is not supported", w.Name, dtype)
			}
			if length > len(data) {
				return nil, fmt.Errorf("reading weights %q: shape %v needs %d bytes, only %d are left", w.Name, w.Shape, length, len(data))
			}
			w.data, data = data[:length], data[length:]
			m.stored[w.Name] = w
		}
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%d bytes of weights are left over: the manifest does not belong to the data", len(data))
	}
	return m, nil
}

func (w weight) decode() *Tensor {
	t := New(w.Shape...)
	for i := range t.Data {
		if q := w.Quantization; q != nil {
			t.Data[i] = float32(float64(w.data[i])*q.Scale + q.Min)
		} else {
			t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.data[4*i:]))
		}
	}
	return t
}

// Err returns the first error of all earlier calls.
func (m *Model) Err() error { return m.err }

// A length of 0 in `shape` matches any length.
func (m *Model) Tensor(name string, shape ...int) *Tensor {
	w, ok := m.stored[name]
	if ok && slices.EqualFunc(w.Shape, shape, func(has, want int) bool { return has == want || want == 0 }) {
		return w.decode()
	}
	if m.err == nil {
		m.err = fmt.Errorf("the model has no weights %q of shape %v", name, shape)
	}
	return New(slices.Repeat([]int{1}, len(shape))...) // a placeholder
}

// ConvOf uses the named weights.
func (m *Model) ConvOf(filters, bias string, stride int) Conv {
	stored := m.Tensor(filters, 0, 0, 0, 0)
	return Conv{channelsFirst(stored), m.Tensor(bias, stored.Shape[3]), stride}
}

// NormalizedDepthwise multiplies the batch normalization name/BatchNorm into the filters name/depthwise_weights.
func (m *Model) NormalizedDepthwise(name string, stride int, epsilon float64) Depthwise {
	filters := m.Tensor(name+"/depthwise_weights", 0, 0, 0, 1)
	channels := filters.Shape[2]
	of := func(kind string) *Tensor { return m.Tensor(name+"/BatchNorm/"+kind, channels) }
	scale, bias, mean, variance := of("gamma"), of("beta"), of("moving_mean"), of("moving_variance")
	if m.err == nil {
		for c := range channels {
			scale.Data[c] /= float32(math.Sqrt(float64(variance.Data[c]) + epsilon))
			bias.Data[c] -= mean.Data[c] * scale.Data[c]
		}
		for i := range filters.Data {
			filters.Data[i] *= scale.Data[i%channels]
		}
	}
	return Depthwise{channelsFirst(filters), bias, stride}
}

// Conv uses the weights name/filters and name/bias.
func (m *Model) Conv(name string, stride int) Conv {
	filters := m.filters(name, "filters", 0, 0, 0, 0)
	return Conv{channelsFirst(filters), m.Tensor(name+"/bias", filters.Shape[3]), stride}
}

// Depthwise uses the weights name/depthwise_filter and name/bias.
func (m *Model) Depthwise(name string, stride int) Depthwise {
	filters := m.filters(name, "depthwise_filter", 0, 0, 0, 1)
	return Depthwise{channelsFirst(filters), m.Tensor(name+"/bias", filters.Shape[2]), stride}
}

func (m *Model) filters(name, kind string, shape ...int) *Tensor {
	stored := m.Tensor(name+"/"+kind, shape...)
	if _, ok := m.stored[name+"/scale"]; !ok {
		return stored
	}
	channels := stored.Shape[3]
	if channels == 1 {
		channels = stored.Shape[2]
	}
	scale, minimum := m.Tensor(name+"/scale", channels), m.Tensor(name+"/min", channels)
	if m.err != nil {
		return stored
	}
	for i, v := range stored.Data {
		stored.Data[i] = v*scale.Data[i%channels] + minimum.Data[i%channels]
	}
	return stored
}

// Separable uses the weights name/depthwise_filter, name/pointwise_filter and name/bias.
func (m *Model) Separable(name string, stride int) Separable {
	depthwise := m.Tensor(name+"/depthwise_filter", 0, 0, 0, 1)
	pointwise := m.Tensor(name+"/pointwise_filter", 1, 1, depthwise.Shape[2], 0)
	return Separable{
		Depthwise{Filters: channelsFirst(depthwise), Stride: stride},
		Conv{channelsFirst(pointwise), m.Tensor(name+"/bias", pointwise.Shape[3]), 1},
	}
}

// channelsFirst converts TensorFlow's filter layout HWIO (height, width, input channel, output channel) to OIHW.
func channelsFirst(t *Tensor) *Tensor {
	window, in, out := t.Shape[0]*t.Shape[1], t.Shape[2], t.Shape[3]
	to := New(out, in, t.Shape[0], t.Shape[1])
	for i, v := range t.Data {
		o, c, position := i%out, i/out%in, i/out/in
		to.Data[(o*in+c)*window+position] = v
	}
	return to
}

// Dense uses the weights name/weights and name/bias.
func (m *Model) Dense(name string) Dense {
	weights := m.Tensor(name+"/weights", 0, 0)
	return Dense{weights, m.Tensor(name+"/bias", weights.Shape[1])}
}
