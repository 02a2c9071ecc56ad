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
	// Again has also those annotated that have a Record from before Began, when the sweep did; with other features, say.
	// Their Records are replaced. A picture that was erased stays erased.
	Again bool      `json:"again,omitempty"`
	Began time.Time `json:"began,omitzero"`
	// After is the last key that was looked at, and Swept what came of it so far.
	After string `json:"after,omitempty"`
	Swept Swept  `json:"swept,omitzero"`
}

// Swept counts objects.
type Swept struct {
	Looked  int `json:"looked"`            // at all
	Started int `json:"started"`           // had no Record, or are annotated again; a run that they may have had already went on
	LeftOut int `json:"leftOut,omitempty"` // can never be looked at; the worker's log says why
}

// Backfill says whether the objects are others than the site's.
func (s Sweep) Backfill() bool { return s.Bucket != "" || s.Prefix != "" }

// Behind says whether the objects are to be annotated behind live pictures, a bounded number at a time.
func (s Sweep) Behind() bool { return s.Backfill() || s.Again }

// KeysSince is the key after which all keys minted at t or later come: S3 lists in the order of bytes, and a minted
// key begins with its time.
func KeysSince(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%s%08x-%04x", Prefix, ms>>16, ms&0xffff)
}
