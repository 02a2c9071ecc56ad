package picture

import "time"

// Progress is what web tells of a picture on its way.
type Progress struct {
	ID     ID      `json:"id"`
	Status Status  `json:"status"`
	Steps  []Step  `json:"steps"` // always all of Steps, in order
	Record *Record `json:"record"`
}

// StepStatus is how far one step has come.
type StepStatus string

// The states of a step.
const (
	StepWaiting  StepStatus = "waiting"
	StepRunning  StepStatus = "running"
	StepRetrying StepStatus = "retrying"
	StepDone     StepStatus = "done"
	StepFailed   StepStatus = "failed"
)

// Step is one step of one picture. Times are absent until they are known.
type Step struct {
	Name          StepName   `json:"name"`
	Cloud         string     `json:"cloud"`
	Status        StepStatus `json:"status"`
	Attempt       int        `json:"attempt,omitempty"` // 1 is the first
	StartedAt     time.Time  `json:"startedAt,omitzero"`
	FinishedAt    time.Time  `json:"finishedAt,omitzero"`
	NextAttemptAt time.Time  `json:"nextAttemptAt,omitzero"`
	Error         string     `json:"error,omitempty"` // why the last attempt failed, for a person
}

// WaitingSteps are the steps of a picture of which nothing is known yet.
func WaitingSteps() []Step {
	steps := make([]Step, len(Steps))
	for i, name := range Steps {
		steps[i] = Step{Name: name, Cloud: name.Cloud(), Status: StepWaiting}
	}
	return steps
}
