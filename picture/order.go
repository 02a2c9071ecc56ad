package picture

import "time"

// Order is the input of an AnnotatePicture workflow.
type Order struct {
	Picture
	// ReannotateBefore requests a new annotation if the picture's Record was written before this time, for example to
	// use other features. With the zero value, an existing Record is never replaced.
	ReannotateBefore time.Time `json:"reannotateBefore,omitzero"`
}
