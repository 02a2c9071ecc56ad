package stack

import (
	"path/filepath"
	"strconv"
)

// tuning makes the dev server fast enough to be pleasant: its defaults make every hop wait 50 ms for a rate
// limit. useNewMatcher is what priorities need on this version.
var tuning = []string{
	"history.transferProcessorMaxPollRPS=5000",
	"history.timerProcessorMaxPollRPS=5000",
	"history.visibilityProcessorMaxPollRPS=5000",
	"system.enableActivityEagerExecution=true",
	"system.enableEagerWorkflowStart=true",
	"matching.numTaskqueueReadPartitions=1",
	"matching.numTaskqueueWritePartitions=1",
	"matching.useNewMatcher=true",
}

// temporalArgs start the dev server on its own database. WAL with synchronous=1 survives kill -9.
func (s *Stack) temporalArgs() []string {
	args := []string{"server", "start-dev",
		"--ip", "127.0.0.1", "--port", strconv.Itoa(s.identity.Ports["temporal"]),
		"--ui-port", strconv.Itoa(s.identity.Ports["temporalUI"]),
		"--db-filename", filepath.Join(s.config.Dir, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
	}
	for _, value := range tuning {
		args = append(args, "--dynamic-config-value", value)
	}
	return args
}
