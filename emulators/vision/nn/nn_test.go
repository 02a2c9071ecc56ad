package nn

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

func count(shape ...int) *Tensor {
	t := New(shape...)
	for i := range t.Data {
		t.Data[i] = float32(i + 1)
	}
	return t
}

func filled(v float32, shape ...int) *Tensor {
	t := New(shape...)
	for i := range t.Data {
		t.Data[i] = v
	}
	return t
}

func (t *Tensor) row(y, from, to int) *Tensor {
	return &Tensor{Shape: []int{to - from}, Data: t.plane(0)[y*t.Shape[2]:][from:to]}
}

func TestLayers(t *testing.T) {
	in := count(1, 3, 3) // 1 2 3 / 4 5 6 / 7 8 9
	box := filled(1, 1, 1, 3, 3)
	tests := []struct {
		name  string
		got   *Tensor
		shape []int
		want  []float32
	}{
		{"convolution_sums_its_window_and_adds_the_bias", Conv{box, filled(0.5, 1), 3}.Apply(&Tensor{}, in), []int{1, 1, 1}, []float32{45.5}},
		{"padding_adds_zeros", Conv{box, New(1), 1}.Apply(&Tensor{}, in), []int{1, 3, 3},
			[]float32{12, 21, 16, 27, 45, 33, 24, 39, 28}},
		{"convolution_filters_are_not_mirrored", Conv{count(1, 1, 3, 3), New(1), 3}.Apply(&Tensor{}, in), []int{1, 1, 1}, []float32{285}},
		{"stride_2_on_odd_size_pads_both_sides", Conv{box, New(1), 2}.Apply(&Tensor{}, in), []int{1, 2, 2}, []float32{12, 16, 24, 28}},
		{"stride_2_on_even_size_pads_lower_right", Conv{count(1, 1, 3, 3), New(1), 2}.Apply(&Tensor{}, count(1, 2, 2)), []int{1, 1, 1},
			[]float32{1*1 + 2*2 + 4*3 + 5*4}},
		{"convolution_of_one_pixel", Conv{box, New(1), 1}.Apply(&Tensor{}, count(1, 1, 1)), []int{1, 1, 1}, []float32{1}},
		{"convolution_in_several_parts", Conv{box, New(1), 1}.Apply(&Tensor{}, filled(1, 1, 5000, 3)).row(4095, 0, 3), []int{3}, []float32{6, 9, 6}},
		{"1x1_convolution_mixes_channels", Conv{count(3, 2, 1, 1), New(3), 1}.Apply(&Tensor{}, count(2, 1, 2)), []int{3, 1, 2},
			[]float32{1*1 + 2*3, 1*2 + 2*4, 3*1 + 4*3, 3*2 + 4*4, 5*1 + 6*3, 5*2 + 6*4}},
		{"depthwise_does_not_mix_channels", Depthwise{filled(2, 1, 2, 3, 3), nil, 1}.Apply(&Tensor{}, count(2, 1, 2)), []int{2, 1, 2},
			[]float32{6, 6, 14, 14}},
		{"depthwise_adds_a_bias_for_each_channel", Depthwise{filled(2, 1, 2, 3, 3), count(2), 1}.Apply(&Tensor{}, count(2, 1, 2)), []int{2, 1, 2},
			[]float32{7, 7, 16, 16}},
		{"depthwise_filters_are_not_mirrored", Depthwise{count(1, 1, 3, 3), nil, 3}.Apply(&Tensor{}, in), []int{1, 1, 1}, []float32{285}},
		{"depthwise_stride_2_on_even_size_pads_lower_right", Depthwise{count(1, 1, 3, 3), nil, 2}.Apply(&Tensor{}, count(1, 2, 2)), []int{1, 1, 1},
			[]float32{1*1 + 2*2 + 4*3 + 5*4}},
		{"separable_is_depthwise_then_pointwise",
			Separable{Depthwise{box, nil, 2}, Conv{count(2, 1, 1, 1), count(2), 1}}.Apply(&Tensor{}, in),
			[]int{2, 2, 2}, []float32{13, 17, 25, 29, 26, 34, 50, 58}},
		{"odd_sides_become_even", count(1, 1, 3).Even(), []int{1, 2, 4}, []float32{1, 2, 3, 0, 0, 0, 0, 0}},
		{"even_sides_stay", count(1, 2, 2).Even(), []int{1, 2, 2}, []float32{1, 2, 3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !slices.Equal(tt.got.Shape, tt.shape) || !slices.Equal(tt.got.Data, tt.want) {
				t.Errorf("got %v %v, want %v %v", tt.got.Shape, tt.got.Data, tt.shape, tt.want)
			}
		})
	}
}

func TestElementwise(t *testing.T) {
	relu6 := &Tensor{[]int{3}, []float32{-2, 3, 7}}
	relu6.ReLU6()
	relu := &Tensor{[]int{2}, []float32{-2, 3}}
	relu.ReLU()
	sum := count(2).Clone()
	sum.Add(count(2))
	tests := []struct {
		name      string
		got, want []float32
	}{
		{"relu_replaces_negatives_by_0", relu.Data, []float32{0, 3}},
		{"relu6_limits_to_0_to_6", relu6.Data, []float32{0, 3, 6}},
		{"add_is_elementwise", sum.Data, []float32{2, 4}},
		{"channel_means", count(2, 1, 2).ChannelMeans(), []float32{1.5, 3.5}},
		{"dense_adds_the_bias", Dense{count(2, 2), count(2)}.Apply([]float32{1, 10}), []float32{32, 44}},
		{"softmax_of_equal_scores", Softmax([]float32{7, 7}), []float32{0.5, 0.5}},
		{"softmax_of_huge_scores_does_not_overflow", Softmax([]float32{1000, 0}), []float32{1, 0}},
		{"sigmoid_of_0_is_half", []float32{Sigmoid(0)}, []float32{0.5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !slices.EqualFunc(tt.got, tt.want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 }) {
				t.Errorf("got %v, want %v", tt.got, tt.want)
			}
		})
	}
}

func TestMultiply(t *testing.T) {
	for name, tt := range map[string]struct{ rows, inner, cols, stride int }{
		"single_number":   {1, 1, 1, 1},
		"row":             {1, 5, 7, 7},
		"wide_and_deep":   {3, 40, 1100, 1103},
		"narrow_and_deep": {5, 700, 10, 10},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, c := New(tt.rows, tt.inner), New(tt.inner, tt.cols), filled(1, tt.rows, tt.stride)
			for i := range a.Data {
				a.Data[i] = float32(i%5) - 2
			}
			for i := range b.Data {
				b.Data[i] = float32(i%7) - 3
			}
			want := c.Clone()
			for i := range tt.rows * tt.inner * tt.cols {
				row, k, x := i/tt.cols/tt.inner, i/tt.cols%tt.inner, i%tt.cols
				want.Data[row*tt.stride+x] += a.Data[row*tt.inner+k] * b.Data[k*tt.cols+x]
			}
			if multiply(a.Data, b.Data, c.Data, tt.rows, tt.cols, tt.stride); !slices.Equal(c.Data, want.Data) {
				t.Errorf("got %v, want %v", c.Data, want.Data)
			}
		})
	}
}

func floats(values ...float32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func TestRead(t *testing.T) {
	const fc = `{"name":"fc/weights","shape":[1,2],"dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":-1}},
	            {"name":"fc/bias","shape":[2],"dtype":"float32"}`
	data := []byte{0, 4, 0, 0, 128, 63, 0, 0, 0, 64} // quantized 0 and 4, then the floats 1 and 2
	t.Run("quantized_and_float_weights", func(t *testing.T) {
		m, err := Read([]byte(`[{"weights":[`+fc+`]}]`), data)
		if err != nil {
			t.Fatal(err)
		}
		got := m.Dense("fc").Apply([]float32{10})
		if want := []float32{10*-1 + 1, 10*1 + 2}; m.Err() != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, m.Err(), want)
		}
		m.Separable("conv1", 1)
		m.Conv("conv2", 1)
		if m.Err() == nil || !strings.Contains(m.Err().Error(), "conv1/depthwise_filter") {
			t.Errorf("the error is %v, want the first missing name", m.Err())
		}
	})
	t.Run("filters_quantized_per_channel", func(t *testing.T) {
		m, err := Read([]byte(`[{"weights":[
			{"name":"a/filters","shape":[1,1,1,2],"dtype":"float32","quantization":{"dtype":"uint8","scale":1,"min":0}},
			{"name":"a/scale","shape":[2],"dtype":"float32"},{"name":"a/min","shape":[2],"dtype":"float32"},{"name":"a/bias","shape":[2],"dtype":"float32"},
			{"name":"b/depthwise_filter","shape":[1,1,2,1],"dtype":"float32","quantization":{"dtype":"uint8","scale":1,"min":0}},
			{"name":"b/scale","shape":[2],"dtype":"float32"},{"name":"b/min","shape":[2],"dtype":"float32"},{"name":"b/bias","shape":[2],"dtype":"float32"}]}]`),
			slices.Concat([]byte{3, 5}, floats(2, 10), floats(-1, 1), floats(100, 200), []byte{3, 5}, floats(2, 10), floats(-1, 1), floats(100, 200)))
		if err != nil {
			t.Fatal(err)
		}
		conv, depthwise := m.Conv("a", 1).Apply(&Tensor{}, filled(1, 1, 1, 1)), m.Depthwise("b", 1).Apply(&Tensor{}, filled(1, 2, 1, 1))
		if want := []float32{105, 251}; m.Err() != nil || !slices.Equal(conv.Data, want) || !slices.Equal(depthwise.Data, want) {
			t.Errorf("got %v and %v, %v, want %v", conv.Data, depthwise.Data, m.Err(), want)
		}
	})
	for name, tt := range map[string]struct {
		manifest, message string
		data              []byte
	}{
		"invalid_JSON":               {`[`, "manifest", data},
		"too_little_data":            {`[{"weights":[` + fc + `]}]`, "fc/bias", data[:9]},
		"too_much_data":              {`[{"weights":[` + fc + `]}]`, "left over", append(data, 0)},
		"unknown_data_type_is_named": {`[{"weights":[{"name":"a","shape":[1],"dtype":"int32"}]}]`, "int32", data},
		"uint8_without_scale":        {`[{"weights":[{"name":"a","shape":[1],"dtype":"uint8"}]}]`, "uint8", data},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read([]byte(tt.manifest), tt.data); err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v, want an error with %q", err, tt.message)
			}
		})
	}
}
