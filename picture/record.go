package picture

import (
	"encoding/json"
	"time"
)

// Schema is the version of the Record format that this code writes.
const Schema = 1

// Status is the state of a picture.
type Status string

// Annotated, Rejected and Erased are final. The status of a Record is always one of these three.
const (
	Waiting   Status = "waiting"
	Running   Status = "running"
	Annotated Status = "annotated"
	Rejected  Status = "rejected"
	Erased    Status = "erased"
)

// Settled reports whether the status is final.
func (s Status) Settled() bool { return s == Annotated || s == Rejected || s == Erased }

// Record is the Cosmos DB document of a picture. ID is both the document's id and its partition key.
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
	// ReannotationRejectedAt is the time when the last attempt to annotate the picture again was rejected. The Record
	// then keeps the earlier annotation.
	ReannotationRejectedAt time.Time  `json:"reannotationRejectedAt,omitzero"`
	Rejection              *Rejection `json:"rejection,omitempty"`
	Steps                  []Step     `json:"steps,omitempty"`
	RunID                  string     `json:"runId,omitempty"`
}

// OlderThan reports whether the Record was last written before t. It returns false for a tombstone.
func (r Record) OlderThan(t time.Time) bool {
	last := r.ReannotationRejectedAt
	if n := len(r.Steps); n > 0 && r.Steps[n-1].StartedAt.After(last) {
		last = r.Steps[n-1].StartedAt
	}
	return r.Status != Erased && last.Before(t)
}

// Rejection is the reason why a picture can never be annotated.
type Rejection struct {
	Step    StepName `json:"step"`
	Kind    Kind     `json:"kind"`
	Message string   `json:"message"`
}

// Outcome is the result of an AnnotatePicture workflow. It is small because Temporal stores it in the history.
type Outcome struct {
	ID     ID     `json:"id"`
	Status Status `json:"status"`
}

// AnnotatedRecord returns the Record of a picture that Google annotated.
func (p Picture) AnnotatedRecord(annotation json.RawMessage, at time.Time, steps []Step, runID string) Record {
	r := p.record(Annotated, steps, runID)
	r.Annotation, r.AnnotatedAt = annotation, at.UTC()
	return r
}

// RejectedRecord returns the Record of a picture that can never be annotated.
func (p Picture) RejectedRecord(reason Rejection, steps []Step, runID string) Record {
	r := p.record(Rejected, steps, runID)
	r.Rejection = &reason
	return r
}

// Tombstone returns the Record of an erased picture. This Record contains only the ID, the schema and the status.
func Tombstone(id ID) Record { return Record{ID: id, Schema: Schema, Status: Erased} }

func (p Picture) record(status Status, steps []Step, runID string) Record {
	_, contentType, _ := ParseKey(p.Key) // "" if the site did not create the key
	return Record{
		ID: p.ID, Schema: Schema, Status: status,
		Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, ETag: p.ETag, Size: p.Size,
		ContentType: contentType, UploadedAt: p.UploadedAt, Steps: steps, RunID: runID,
	}
}
