package picture

import "time"

// Order is the input of an AnnotatePicture workflow.
type Order struct {
	Picture
	// ReannotateBefore asks for a new annotation if the picture's Record was written before this time, for example
	// to use other features. Zero never replaces a Record.
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
}
