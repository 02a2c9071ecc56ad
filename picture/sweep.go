package picture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Sweep is the input of a SweepPictures workflow. The zero Sweep selects every upload.
type Sweep struct {
	// If Bucket or Prefix is set, the sweep examines only objects that were not uploaded through the site (a
	// backfill).
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// Within is in seconds: 3600 selects the uploads of the hour before the sweep, and 0 selects all. If From is set too, the later start applies.
	Within int `json:"within,omitempty"`
	// From and To select the objects that were uploaded at From or later, and before To. A zero time is no limit.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// With Reannotate, the sweep also replaces Records older than Began, the start time of the sweep. Erased pictures
	// stay erased.
	Reannotate bool      `json:"reannotate,omitempty"`
	Began      time.Time `json:"began,omitzero"`
	// After is the last examined key. Continue-as-new passes After and Counts to the next run.
	After  string      `json:"after,omitempty"`
	Counts SweepCounts `json:"counts,omitzero"`
	// Checked is set by the workflow: its pages and continued runs may have keys that only a newer release knows.
	Checked bool `json:"checked,omitempty"`
	// Invalid says why the input cannot be decoded. It is set instead of an error, so that the activity can refuse the
	// sweep with an explanation.
	Invalid string `json:"invalid,omitempty"`
}

// SweepKeys are the keys that an operator can set.
const SweepKeys = "bucket, prefix, within, from, to, reannotate"

const maxWithin = 100 * 365 * 24 * 3600 // a hundred years; time.Duration has room for 292

// UnmarshalJSON accepts no unknown keys from an operator: without a misspelt "within", a sweep would examine every
// upload. It ignores unknown keys from a workflow, because workers of two releases run during a deployment, and a
// rollback must not end a sweep.
func (s *Sweep) UnmarshalJSON(b []byte) error {
	type plain Sweep
	err := json.Unmarshal(b, (*plain)(s))
	if err == nil && !s.Checked {
		decoder := json.NewDecoder(bytes.NewReader(b))
		decoder.DisallowUnknownFields()
		err = decoder.Decode((*plain)(s))
	}
	if err == nil && (s.Within < 0 || s.Within > maxWithin) {
		err = fmt.Errorf(`"within" is %d, but must be between 0 and %d seconds`, s.Within, maxWithin)
	}
	if err != nil {
		s.Invalid = err.Error()
	}
	return nil
}

type SweepCounts struct {
	Examined int `json:"examined"`
	Started  int `json:"started"`           // includes pictures whose workflow was already running
	Skipped  int `json:"skipped,omitempty"` // cannot be examined; the worker's log contains the reason
}

// Selects reports whether the object's upload is in the sweep's range of time.
func (s Sweep) Selects(uploadedAt time.Time) bool {
	return !uploadedAt.Before(s.From) && (s.To.IsZero() || uploadedAt.Before(s.To))
}

func (s Sweep) Backfill() bool { return s.Bucket != "" || s.Prefix != "" }

// Low priority: other pictures come first, and the sweep pauses while too many workflows are open.
func (s Sweep) LowPriority() bool { return s.Backfill() || s.Reannotate }

// KeyAt returns the smallest possible key of an upload at the time t.
func KeyAt(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%s%08x-%04x", Prefix, ms>>16, ms&0xffff)
}
