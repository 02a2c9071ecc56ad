package picture

import "time"

// Progress is the state of a picture as the API reports it.
type Progress struct {
	ID     ID      `json:"id"`
	Status Status  `json:"status"`
	Steps  []Step  `json:"steps"` // always all three, in the order of StepOrder
	Record *Record `json:"record"`
}

// StepStatus is the state of one step.
type StepStatus string

const (
	StepWaiting  StepStatus = "waiting"
	StepRunning  StepStatus = "running"
	StepRetrying StepStatus = "retrying"
	StepDone     StepStatus = "done"
	StepFailed   StepStatus = "failed"
)

// Step is the state of one of the three steps of a picture. A time that is not known is zero.
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

// WaitingSteps returns the steps of a picture that no workflow has processed yet.
func WaitingSteps() []Step {
	steps := make([]Step, len(StepOrder))
	for i, name := range StepOrder {
		steps[i] = Step{Name: name, Cloud: name.Cloud(), Status: StepWaiting}
	}
	return steps
}
