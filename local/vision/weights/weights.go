// Package weights holds the trained weights of the networks, embedded byte for byte as their authors
// published them; NOTICE names source and licence, SHA256SUMS pins the bytes. It never downloads
// anything: regenerate does, by hand.
package weights

import (
	"embed"
	"fmt"

	"triptych/local/vision/nn"
)

//go:generate go run ./regenerate

//go:embed *.bin *.json
var files embed.FS

// The networks there are.
const (
	FaceDetector   = "tiny_face_detector_model"
	FaceLandmarks  = "face_landmark_68_tiny_model"
	FaceExpression = "face_expression_model"
)

// Model decodes the weights of one network, in about a millisecond.
func Model(name string) (*nn.Model, error) {
	manifest, err := files.ReadFile(name + "-weights_manifest.json")
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	data, err := files.ReadFile(name + ".bin")
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	m, err := nn.Read(manifest, data)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", name, err)
	}
	return m, nil
}
