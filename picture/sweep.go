package picture

import (
	"fmt"
	"time"
)

// Sweep says which objects SweepPictures looks through, for those that have neither a Record nor a run. The zero
// Sweep is every picture that was uploaded through the site.
type Sweep struct {
	// Bucket and Prefix name other objects than the site's, to backfill them: whatever their keys are, they are
	// annotated too, behind live pictures.
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// Within leaves out what was minted longer ago, in seconds; 0 for nothing.
	Within int `json:"within,omitempty"`
	// After is the last key that was looked at, and Swept what came of it so far.
	After string `json:"after,omitempty"`
	Swept Swept  `json:"swept,omitzero"`
}

// Swept counts objects.
type Swept struct {
	Looked  int `json:"looked"`  // at all
	Started int `json:"started"` // had no Record; a run that they may have had already went on
}

// Backfill says whether the objects are others than the site's.
func (s Sweep) Backfill() bool { return s.Bucket != "" || s.Prefix != "" }

// KeysSince is the key after which all keys minted at t or later come: S3 lists in the order of bytes, and a minted
// key begins with its time.
func KeysSince(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%s%08x-%04x", Prefix, ms>>16, ms&0xffff)
}
