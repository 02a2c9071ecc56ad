package picture

import "time"

// Names of workflows and task queues. trigger and web use them without linking the packages workflows and activities.
const (
	AnnotateWorkflow = "AnnotatePicture"
	EraseWorkflow    = "ErasePicture"
	SweepWorkflow    = "SweepPictures"

	PicturesQueue = "pictures" // workflows, and all activities except annotate
	AnnotateQueue = "annotate" // only annotate, because Vision's quota limits its rate
)

// WorkflowID is the ID of the picture's AnnotatePicture workflow.
func (id ID) WorkflowID() string { return "picture/" + string(id) }

// EraseWorkflowID is the ID of the picture's ErasePicture workflow.
func (id ID) EraseWorkflowID() string { return "erase/" + string(id) }

// GrantTTL is how long an upload grant is valid.
const GrantTTL = 15 * time.Minute

// StepName is one of the three steps, and the name of its activity.
type StepName string

const (
	PresignStep  StepName = "presign"
	AnnotateStep StepName = "annotate"
	PersistStep  StepName = "persist"
)

// StepOrder lists the steps in the order of execution.
var StepOrder = [...]StepName{PresignStep, AnnotateStep, PersistStep}

// Cloud returns the cloud that the step uses.
func (s StepName) Cloud() Cloud {
	return map[StepName]Cloud{PresignStep: AWS, AnnotateStep: Google, PersistStep: Azure}[s]
}

// Names of the activities that are not steps.
const (
	DiscardActivity           = "discard"
	WriteTombstoneActivity    = "write-tombstone"
	TerminateWorkflowActivity = "terminate-workflow"
	DeleteObjectActivity      = "delete-object"
	DeleteHistoryActivity     = "delete-history"
	SweepPageActivity         = "sweep-page"
)
