package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// released has the version of each change ID that new workflows record. A change that is not listed keeps its lowest version.
//
// Add a change only one release after its workflow.GetVersion: ECS rolls a failed deployment back without asking, and
// the previous worker must be able to continue every workflow that the new one has started.
var released = map[string]workflow.Version{
	"search-rejected": 1, // in the first release, so there is no older one to roll back to
}

// PreferredVersion is the worker option that applies `released`.
func PreferredVersion(in worker.PreferredVersionProviderInput) *worker.VersionPreference {
	version, ok := released[in.ChangeID]
	if !ok {
		version = in.MinSupported
	}
	return &worker.VersionPreference{Version: version}
}
