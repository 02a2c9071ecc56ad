package picture

import "time"

// The names are in this package so that the programs `trigger` and `web` need not import the packages `workflows` and
// `activities`.
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

// GrantTTL is the period for which an upload grant is valid. An upload grant is a presigned URL for one upload.
const GrantTTL = 15 * time.Minute

// StepName is the name of one of the three steps. The step's activity has the same name.
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

// These are the names of all activities that are not one of the three steps.
const (
	DiscardActivity           = "discard"
	WriteTombstoneActivity    = "write-tombstone"
	TerminateWorkflowActivity = "terminate-workflow"
	DeleteObjectActivity      = "delete-object"
	DeleteHistoryActivity     = "delete-history"
	SweepPageActivity         = "sweep-page"
)
