package picture

import "time"

// The names of workflows, activities and task queues. They are in this package so that trigger and web can start
// workflows without linking the packages workflows and activities.
const (
	AnnotateWorkflow = "AnnotatePicture"
	EraseWorkflow    = "ErasePicture"
	SweepWorkflow    = "SweepPictures"

	// PicturesQueue carries the workflows and all activities except annotate.
	PicturesQueue = "pictures"
	// AnnotateQueue carries only annotate, because Vision's quota limits its rate.
	AnnotateQueue = "annotate"
)

// WorkflowID is the ID of the picture's AnnotatePicture workflow.
func (id ID) WorkflowID() string { return "picture/" + string(id) }

// EraseWorkflowID is the ID of the picture's ErasePicture workflow.
func (id ID) EraseWorkflowID() string { return "erase/" + string(id) }

// GrantTTL is how long an upload grant is valid.
const GrantTTL = 15 * time.Minute

// StepName is one of the three steps, and the name of its activity.
type StepName string

// The steps.
const (
	PresignStep  StepName = "presign"
	AnnotateStep StepName = "annotate"
	PersistStep  StepName = "persist"
)

// StepOrder lists the steps in the order of execution.
var StepOrder = [...]StepName{PresignStep, AnnotateStep, PersistStep}

// Cloud returns the cloud that executes the step.
func (s StepName) Cloud() Cloud {
	switch s {
	case PresignStep:
		return AWS
	case AnnotateStep:
		return Google
	default:
		return Azure
	}
}

// Activities that are not steps.
const (
	DiscardActivity           = "discard"            // replaces persist for a picture that was erased meanwhile
	WriteTombstoneActivity    = "write-tombstone"    // of an erasure: the tombstone replaces the Record
	TerminateWorkflowActivity = "terminate-workflow" // of an erasure: ends the picture's workflow
	DeleteObjectActivity      = "delete-object"      // of an erasure: deletes every version of the object
	DeleteHistoryActivity     = "delete-history"     // of an erasure: deletes the histories of the picture's workflow
	SweepPageActivity         = "sweep-page"         // examines one page of a bucket listing
)
