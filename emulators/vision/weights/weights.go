// Package weights embeds the trained weights of the networks. NOTICE lists the sources, licences and modifications.
// "go generate" downloads the weights again.
package weights

import (
	"cmp"
	"embed"
	"fmt"

	"triptych/emulators/vision/nn"
)

//go:generate go run ./regenerate

//go:embed *.bin *.json
var files embed.FS

// Names of the networks.
const (
	FaceDetector   = "ssd_mobilenetv1_model"
	FaceLandmarks  = "face_landmark_68_tiny_model"
	FaceExpression = "face_expression_model"
	ObjectDetector = "ssdlite_mobilenet_v2_coco"
)

// Model decodes the weights of one network.
func Model(name string) (*nn.Model, error) {
	manifest, errM := files.ReadFile(name + "-weights_manifest.json")
	data, errD := files.ReadFile(name + ".bin")
	m, err := nn.Read(manifest, data)
	if err := cmp.Or(errM, errD, err); err != nil {
		return nil, fmt.Errorf("reading network %q: %w", name, err)
	}
	return m, nil
}
