package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
)

const (
	detector = "ssdlite_mobilenet_v2_coco"
	folder   = "models/coco-ssd/" // the published detector in TensorFlow.js's format
	epsilon  = 0.001              // added to the variance in the batch normalization of the box predictors
)

func objects(files fs.FS) (map[string][]byte, error) {
	published, err := readModel(files)
	if err != nil {
		return nil, err
	}
	var out writer
	for _, name := range slices.Sorted(maps.Keys(published)) {
		for suffix, kind := range map[string]string{
			"/Conv2D/merged_input": "filters", "/weights": "filters", "/depthwise_weights": "depthwise_filter",
		} {
			layer, ok := strings.CutSuffix(name, suffix)
			if !ok {
				continue
			}
			scale, bias, err := normalization(published, layer)
			if err != nil {
				return nil, err
			}
			out.convolution(strings.TrimPrefix(layer, "FeatureExtractor/MobilenetV2/"), kind, published[name], scale, bias)
		}
	}
	anchors := published["Postprocessor/ExpandDims"]
	out.floats("anchors", anchors.values, anchors.shape[1:]...)
	manifest, err := json.Marshal([]any{map[string]any{"weights": out.weights}})
	if err != nil {
		return nil, err
	}
	licence, err := fs.ReadFile(files, "LICENSE")
	return map[string][]byte{
		detector + ".bin": out.data.Bytes(), detector + "-weights_manifest.json": manifest, "LICENSE-APACHE": licence,
	}, err
}

type tensor struct {
	shape  []int
	values []float32
}

func readModel(files fs.FS) (map[string]tensor, error) {
	var model struct {
		WeightsManifest []struct {
			Paths   []string
			Weights []struct {
				Name, Dtype string
				Shape       []int
			}
		}
	}
	manifest, err := fs.ReadFile(files, folder+"model.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(manifest, &model); err != nil {
		return nil, err
	}
	tensors := map[string]tensor{}
	for _, group := range model.WeightsManifest {
		var data []byte
		for _, shard := range group.Paths {
			part, err := fs.ReadFile(files, folder+shard)
			if err != nil {
				return nil, err
			}
			data = append(data, part...)
		}
		for _, w := range group.Weights {
			n := 1
			for _, d := range w.Shape {
				n *= d
			}
			if len(data) < 4*n {
				return nil, fmt.Errorf("the weights end before %s", w.Name)
			}
			if w.Dtype == "float32" {
				t := tensor{w.Shape, make([]float32, n)}
				for i := range t.values {
					t.values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
				}
				tensors[w.Name] = t
			}
			data = data[4*n:]
		}
	}
	return tensors, nil
}

// `scale` is nil if the layer has no batch normalization.
func normalization(published map[string]tensor, layer string) (scale, bias []float32, err error) {
	if biases, ok := published[layer+"/biases"]; ok {
		return nil, biases.values, nil
	}
	if rest, ok := published[layer+"/BatchNorm/batchnorm/sub"]; ok {
		return published[layer+"/BatchNorm/batchnorm/mul"].values, rest.values, nil
	}
	gamma, beta := published[layer+"/BatchNorm/gamma"].values, published[layer+"/BatchNorm/beta"].values
	mean, variance := published[layer+"/BatchNorm/moving_mean"].values, published[layer+"/BatchNorm/moving_variance"].values
	if gamma == nil || beta == nil || mean == nil || variance == nil {
		return nil, nil, fmt.Errorf("%s has neither a bias nor batch normalization", layer)
	}
	scale, bias = make([]float32, len(gamma)), make([]float32, len(gamma))
	for c := range gamma {
		scale[c] = float32(float64(gamma[c]) / math.Sqrt(float64(variance[c])+epsilon))
		bias[c] = beta[c] - float32(mean[c]*scale[c]) // the conversion prevents fused multiply-add, which rounds differently
	}
	return scale, bias, nil
}

// writer collects weights in TensorFlow.js's format.
type writer struct {
	weights []map[string]any
	data    bytes.Buffer
}

func (w *writer) floats(name string, values []float32, shape ...int) {
	w.weights = append(w.weights, map[string]any{"name": name, "shape": shape, "dtype": "float32"})
	for _, v := range values {
		w.data.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
}

// The weights are quantized per output channel, because the channels of depthwise filters differ by orders of magnitude.
// In filters.values, consecutive values belong to consecutive output channels.
func (w *writer) convolution(layer, kind string, filters tensor, scale, bias []float32) {
	channels := len(bias)
	steps, minimums := make([]float32, channels), make([]float32, channels)
	stored := make([]byte, len(filters.values))
	for c := range channels {
		factor := float32(1)
		if scale != nil {
			factor = scale[c]
		}
		low, high := float32(math.Inf(1)), float32(math.Inf(-1))
		for i := c; i < len(stored); i += channels {
			filters.values[i] *= factor
			low, high = min(low, filters.values[i]), max(high, filters.values[i])
		}
		steps[c], minimums[c] = (high-low)/255, low
		if steps[c] == 0 {
			continue
		}
		for i := c; i < len(stored); i += channels {
			stored[i] = byte(math.Round(float64((filters.values[i] - low) / steps[c])))
		}
	}
	w.weights = append(w.weights, map[string]any{
		"name": layer + "/" + kind, "shape": filters.shape, "dtype": "float32",
		"quantization": map[string]any{"dtype": "uint8", "scale": 1, "min": 0},
	})
	w.data.Write(stored)
	w.floats(layer+"/scale", steps, channels)
	w.floats(layer+"/min", minimums, channels)
	w.floats(layer+"/bias", bias, channels)
}
