package picture

import (
	"encoding/json"
	"time"
)

// Schema is the version of Record that this code writes.
const Schema = 1

// Status is how far a picture has come.
type Status string

// Waiting and Running pass; the others are final and stand in the Record.
const (
	Waiting   Status = "waiting"
	Running   Status = "running"
	Annotated Status = "annotated"
	Rejected  Status = "rejected"
	Erased    Status = "erased"
)

// Settled says that nothing more will happen by itself.
func (s Status) Settled() bool { return s == Annotated || s == Rejected || s == Erased }

// Record is the document in Cosmos DB, one per picture; ID is both its id and its partition key. It
// holds no URL that opens the picture.
type Record struct {
	ID          ID        `json:"id"`
	Schema      int       `json:"schema"`
	Status      Status    `json:"status"`
	Bucket      string    `json:"bucket,omitempty"`
	Key         string    `json:"key,omitempty"`
	VersionID   string    `json:"versionId,omitempty"`
	ETag        string    `json:"etag,omitempty"`
	Size        int64     `json:"size,omitempty"`
	ContentType string    `json:"contentType,omitempty"`
	UploadedAt  time.Time `json:"uploadedAt,omitzero"`
	AnnotatedAt time.Time `json:"annotatedAt,omitzero"`
	// Annotation is Google's AnnotateImageResponse as proto JSON.
	Annotation json.RawMessage `json:"annotation,omitempty"`
	// LookedAgainAt is when it was to be annotated again and could not be; Annotation is what was seen before.
	LookedAgainAt time.Time  `json:"lookedAgainAt,omitzero"`
	Rejection     *Rejection `json:"rejection,omitempty"`
	Steps         []Step     `json:"steps,omitempty"`
	RunID         string     `json:"runId,omitempty"`
	TTL           int        `json:"ttl,omitempty"` // seconds; absent means the container's default
}

// Outdated says that the Record was written before then, which is when its last step began, and that nobody has tried to
// annotate its picture again since. A tombstone never is.
func (r Record) Outdated(then time.Time) bool {
	kept := r.LookedAgainAt
	if n := len(r.Steps); n > 0 && r.Steps[n-1].StartedAt.After(kept) {
		kept = r.Steps[n-1].StartedAt
	}
	return r.Status != Erased && kept.Before(then)
}

// Rejection says why a picture can never be annotated.
type Rejection struct {
	Step    StepName `json:"step"`
	Kind    Kind     `json:"kind"`
	Message string   `json:"message"`
}

// Outcome is the result of a run: small, because Temporal keeps it in the history.
type Outcome struct {
	ID     ID     `json:"id"`
	Status Status `json:"status"`
}

// Annotated is the Record of a picture that Google has looked at.
func (p Picture) Annotated(annotation json.RawMessage, at time.Time, steps []Step, runID string) Record {
	r := p.record(Annotated, steps, runID)
	r.Annotation, r.AnnotatedAt = annotation, at.UTC()
	return r
}

// Rejected is the Record of a picture that can never be annotated.
func (p Picture) Rejected(why Rejection, steps []Step, runID string) Record {
	r := p.record(Rejected, steps, runID)
	r.Rejection = &why
	return r
}

// Tombstone is all that is kept of an erased picture.
func Tombstone(id ID) Record {
	return Record{ID: id, Schema: Schema, Status: Erased}
}

func (p Picture) record(status Status, steps []Step, runID string) Record {
	return Record{
		ID: p.ID, Schema: Schema, Status: status,
		Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, ETag: p.ETag, Size: p.Size,
		ContentType: p.ContentType(), UploadedAt: p.UploadedAt, Steps: steps, RunID: runID,
	}
}
