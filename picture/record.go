package picture

import (
	"encoding/json"
	"time"
)

const Schema = 1

type Status string

// The status of a Record is Annotated, Rejected or Erased.
const (
	Waiting   Status = "waiting"
	Running   Status = "running"
	Annotated Status = "annotated"
	Rejected  Status = "rejected"
	Erased    Status = "erased"
)

func (s Status) Settled() bool { return s == Annotated || s == Rejected || s == Erased }

// Record is a picture's document in Cosmos DB. The picture's ID is the document's id and partition key.
type Record struct {
	ID          ID        `json:"id,omitempty"`
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
	// A rejected reannotation sets this field and keeps the old annotation.
	ReannotationRejectedAt time.Time  `json:"reannotationRejectedAt,omitzero"`
	Rejection              *Rejection `json:"rejection,omitempty"`
	Steps                  []Step     `json:"steps,omitempty"`
	RunID                  string     `json:"runId,omitempty"`
}

// OlderThan reports whether the last write was before t. For a tombstone, it returns false.
func (r Record) OlderThan(t time.Time) bool {
	last := r.ReannotationRejectedAt
	if n := len(r.Steps); n > 0 && r.Steps[n-1].StartedAt.After(last) {
		last = r.Steps[n-1].StartedAt
	}
	return r.Status != Erased && last.Before(t)
}

type Rejection struct {
	Step    StepName `json:"step"`
	Kind    Kind     `json:"kind"`
	Message string   `json:"message"`
}

// Outcome is small, because Temporal stores a workflow's result in the history.
type Outcome struct {
	ID     ID     `json:"id"`
	Status Status `json:"status"`
}

func (p Picture) AnnotatedRecord(annotation json.RawMessage, at time.Time, steps []Step, runID string) Record {
	r := p.record(Annotated, steps, runID)
	r.Annotation, r.AnnotatedAt = annotation, at.UTC()
	return r
}

func (p Picture) RejectedRecord(reason Rejection, steps []Step, runID string) Record {
	r := p.record(Rejected, steps, runID)
	r.Rejection = &reason
	return r
}

// A tombstone contains no information about the picture except the ID.
func Tombstone(id ID) Record { return Record{ID: id, Schema: Schema, Status: Erased} }

func (p Picture) record(status Status, steps []Step, runID string) Record {
	_, contentType, _ := ParseKey(p.Key) // "" if the site did not create the key
	return Record{
		ID: p.ID, Schema: Schema, Status: status,
		Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, ETag: p.ETag, Size: p.Size,
		ContentType: contentType, UploadedAt: p.UploadedAt, Steps: steps, RunID: runID,
	}
}
