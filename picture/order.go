package picture

import "time"

// Order is to annotate a picture: what a run of AnnotatePicture is started with.
type Order struct {
	Picture
	// Again has the picture annotated anew, with other features say, and its Record replaced if that was kept before
	// this time. Zero leaves any Record as it is.
	Again time.Time `json:"again,omitzero"`
}
