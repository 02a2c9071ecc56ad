package picture

import "time"

// Progress is the API's response for one picture.
type Progress struct {
	ID        string  `json:"id"`        // the link ID
	Reference ID      `json:"reference"` // the picture ID
	Status    Status  `json:"status"`
	Steps     []Step  `json:"steps"` // always all three, in the order of StepOrder
	Record    *Record `json:"record"`
}

type StepStatus string

const (
	StepWaiting  StepStatus = "waiting"
	StepRunning  StepStatus = "running"
	StepRetrying StepStatus = "retrying"
	StepPaused   StepStatus = "paused" // until the operator unpauses the activity
	StepDone     StepStatus = "done"
	StepFailed   StepStatus = "failed"
)

// In a Step, an unknown time is zero.
type Step struct {
	Name          StepName   `json:"name"`
	Cloud         Cloud      `json:"cloud"`
	Status        StepStatus `json:"status"`
	Attempt       int        `json:"attempt,omitempty"` // the first is 1
	StartedAt     time.Time  `json:"startedAt,omitzero"`
	FinishedAt    time.Time  `json:"finishedAt,omitzero"`
	NextAttemptAt time.Time  `json:"nextAttemptAt,omitzero"`
	Error         string     `json:"error,omitempty"`      // why the last attempt failed, for people
	WaitingFor    Cloud      `json:"waitingFor,omitempty"` // the cloud that the last error came from
}

func WaitingSteps() []Step {
	steps := make([]Step, len(StepOrder))
	for i, name := range StepOrder {
		steps[i] = Step{Name: name, Cloud: name.Cloud(), Status: StepWaiting}
	}
	return steps
}
