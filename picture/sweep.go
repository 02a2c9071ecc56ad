package picture

import (
	"fmt"
	"time"
)

// Sweep is the input of a SweepPictures workflow: it selects the objects to examine. The sweep starts a workflow for
// each object that has neither a Record nor a workflow. The zero Sweep examines every picture uploaded through the site.
type Sweep struct {
	// Bucket and Prefix select objects that were not uploaded through the site, whatever their keys are. Such a sweep
	// is called a backfill.
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// Within skips pictures whose ID was created more than this many seconds ago; 0 skips none.
	Within int `json:"within,omitempty"`
	// Reannotate also selects pictures whose Record is older than Began, the time when the sweep began. Their Records are
	// replaced. Erased pictures stay erased.
	Reannotate bool      `json:"reannotate,omitempty"`
	Began      time.Time `json:"began,omitzero"`
	// After is the last key examined so far, and Counts the result so far. Both survive continue-as-new.
	After  string      `json:"after,omitempty"`
	Counts SweepCounts `json:"counts,omitzero"`
}

// SweepCounts counts objects.
type SweepCounts struct {
	Examined int `json:"examined"`
	Started  int `json:"started"`           // includes pictures whose workflow was already running
	Skipped  int `json:"skipped,omitempty"` // can never be examined; the worker's log has the reason
}

// Backfill reports whether the sweep is a backfill: it selects objects that were not uploaded through the site.
func (s Sweep) Backfill() bool { return s.Bucket != "" || s.Prefix != "" }

// LowPriority reports whether the sweep is a backfill or a reannotation. Live pictures overtake the pictures of such a
// sweep, and the sweep limits how many workflows are open.
func (s Sweep) LowPriority() bool { return s.Backfill() || s.Reannotate }

// KeyAt returns a key that sorts before all keys created at t or later, and after all older ones. S3 lists keys in
// byte order, and the key of an upload begins with its creation time.
func KeyAt(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%s%08x-%04x", Prefix, ms>>16, ms&0xffff)
}
