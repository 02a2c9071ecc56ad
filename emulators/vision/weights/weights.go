// Package weights holds the trained weights of the networks, embedded; NOTICE names source, licence and what
// was changed, SHA256SUMS pins the bytes. It never downloads anything: regenerate does, by hand.
package weights

import (
	"embed"
	"fmt"

	"triptych/emulators/vision/nn"
)

//go:generate go run ./regenerate

//go:embed *.bin *.json
var files embed.FS

// The networks there are.
const (
	FaceDetector   = "tiny_face_detector_model"
	FaceLandmarks  = "face_landmark_68_tiny_model"
	FaceExpression = "face_expression_model"
	ObjectDetector = "ssdlite_mobilenet_v2_coco"
)

// Model decodes the weights of one network.
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
