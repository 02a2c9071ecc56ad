package picture

import (
	"fmt"
	"time"
)

// Sweep is the input of a SweepPictures workflow. It selects the objects that the workflow examines. The zero Sweep
// selects every picture that was uploaded through the site.
type Sweep struct {
	// A sweep with Bucket or Prefix is called a backfill. It examines only objects that were not uploaded through the
	// site.
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// Within limits the sweep to pictures whose ID was created within this number of seconds before the sweep. The
	// value 0 means no limit.
	Within int `json:"within,omitempty"`
	// Reannotate makes the sweep also select pictures whose Record is older than Began, and replace these Records.
	// Began is the time when the sweep started. Erased pictures stay erased.
	Reannotate bool      `json:"reannotate,omitempty"`
	Began      time.Time `json:"began,omitzero"`
	// After is the last key that the sweep has examined, and Counts contains the result so far. When the workflow
	// continues as new, the new run starts with both values.
	After  string      `json:"after,omitempty"`
	Counts SweepCounts `json:"counts,omitzero"`
}

// SweepCounts counts objects.
type SweepCounts struct {
	Examined int `json:"examined"`
	Started  int `json:"started"`           // includes pictures whose workflow was already running
	Skipped  int `json:"skipped,omitempty"` // cannot be examined; the worker's log contains the reason
}

// Backfill reports whether the sweep selects objects that were not uploaded through the site.
func (s Sweep) Backfill() bool { return s.Bucket != "" || s.Prefix != "" }

// LowPriority reports whether the sweep's pictures must wait for all other pictures. Such a sweep also pauses while
// too many workflows are open.
func (s Sweep) LowPriority() bool { return s.Backfill() || s.Reannotate }

// KeyAt returns a key that sorts after the keys of all uploads created before t, and before the keys of all other
// uploads.
func KeyAt(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%s%08x-%04x", Prefix, ms>>16, ms&0xffff)
}
