package picture

// These names are here so that `trigger` and `web` need not import workflow and activity code.
const (
	AnnotateWorkflow = "AnnotatePicture"
	EraseWorkflow    = "ErasePicture"
	SweepWorkflow    = "SweepPictures"

	PicturesQueue = "pictures" // workflows, and all activities except annotate
	AnnotateQueue = "annotate" // only annotate, because Vision's quota limits its rate
)

func (id ID) WorkflowID() string { return "picture/" + string(id) }

func (id ID) EraseWorkflowID() string { return "erase/" + string(id) }

// A StepName is also the name of the step's activity.
type StepName string

const (
	PresignStep  StepName = "presign"
	AnnotateStep StepName = "annotate"
	PersistStep  StepName = "persist"
)

var StepOrder = [...]StepName{PresignStep, AnnotateStep, PersistStep}

func (s StepName) Cloud() Cloud {
	return map[StepName]Cloud{PresignStep: AWS, AnnotateStep: Google, PersistStep: Azure}[s]
}

const (
	DiscardActivity           = "discard"
	WriteTombstoneActivity    = "write-tombstone"
	TerminateWorkflowActivity = "terminate-workflow"
	DeleteObjectActivity      = "delete-object"
	DeleteHistoryActivity     = "delete-history"
	SweepPageActivity         = "sweep-page"
)

// Search attributes that the workflow of a rejected picture sets. Temporal does not encrypt them.
const (
	StatusAttribute = "TriptychStatus" // the Status
	ReasonAttribute = "TriptychReason" // the Kind of the rejection
)

// Summary says what an activity does, for Temporal's Web UI and for the story of a workflow.
func Summary(activity string) string {
	return map[string]string{
		string(PresignStep):       "sign a URL of the picture in S3",
		string(AnnotateStep):      "send the picture to Cloud Vision",
		string(PersistStep):       "store the Record in Cosmos DB",
		DiscardActivity:           "keep the picture erased",
		WriteTombstoneActivity:    "replace the annotation in Cosmos DB by a tombstone",
		TerminateWorkflowActivity: "stop the picture's workflow",
		DeleteObjectActivity:      "delete the picture's object in S3",
		DeleteHistoryActivity:     "delete the workflow's history in Temporal",
		SweepPageActivity:         "start workflows for objects without a Record",
	}[activity]
}
