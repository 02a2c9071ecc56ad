package picture

import "time"

// The names under which Temporal knows the pipeline. trigger and web start by name and link neither
// workflows nor activities.
const (
	AnnotateWorkflow = "AnnotatePicture"
	EraseWorkflow    = "ErasePicture"
	SweepWorkflow    = "SweepPictures"

	// PicturesQueue carries the workflows and every activity but annotate.
	PicturesQueue = "pictures"
	// AnnotateQueue carries annotate alone, because Vision's quota limits its rate.
	AnnotateQueue = "annotate"
)

// WorkflowID is the one run a picture has.
func (id ID) WorkflowID() string { return "picture/" + string(id) }

// EraseWorkflowID is the one erasure a picture has.
func (id ID) EraseWorkflowID() string { return "erase/" + string(id) }

// GrantTTL is how long an upload grant lasts.
const GrantTTL = 15 * time.Minute

// StepName is a step of the way; it is also the name of the activity that takes it.
type StepName string

// The steps, in order.
const (
	Presign  StepName = "presign"
	Annotate StepName = "annotate"
	Persist  StepName = "persist"
)

// The activities of an erasure, in order.
const (
	Bury      = "bury"      // the tombstone takes the Record's place
	Terminate = "terminate" // the picture's run ends where it is
	Delete    = "delete"    // every version of the object goes
	Forget    = "forget"    // the history of the picture's run goes
)

// SweepPage is the activity that looks through one page of a bucket.
const SweepPage = "sweep"

// Steps is the order of the steps.
var Steps = [...]StepName{Presign, Annotate, Persist}

// Cloud is where the step happens.
func (s StepName) Cloud() string {
	switch s {
	case Presign:
		return "aws"
	case Annotate:
		return "google"
	default:
		return "azure"
	}
}
