package stack

import (
	"path/filepath"
	"strconv"
)

// tuning makes the dev server fast enough to be pleasant: its defaults make every hop wait 50 ms for a rate
// limit. Nothing waits for the list of runs, though, whose every entry is a write to some 45 indexes on the one connection
// to the database: told to be half a second late, it writes most runs once, when they are over, and one at a time, for a
// picture under way waits behind as many as are being written. useNewMatcher is what priorities need on this version.
var tuning = []string{
	"history.transferProcessorMaxPollRPS=5000",
	"history.timerProcessorMaxPollRPS=5000",
	"history.visibilityProcessorMaxPollRPS=2",
	"history.visibilityTaskBatchSize=1000",
	"history.visibilityProcessorSchedulerWorkerCount=1",
	"system.forceSearchAttributesCacheRefreshOnRead=false", // reads the database at each task, to notice new attributes
	"history.sendRawHistoryBetweenInternalServices=true",
	"history.eventsCacheMaxSizeBytes=67108864", // 512 kB forget what the next task of a queued run needs
	"system.enableActivityEagerExecution=true",
	"system.enableEagerWorkflowStart=true",
	"matching.numTaskqueueReadPartitions=1",
	"matching.numTaskqueueWritePartitions=1",
	"matching.useNewMatcher=true",
}

// temporalArgs start the dev server on its own database. WAL with synchronous=1 survives kill -9; its cache is 64 MB
// instead of 2. When its log has 10 MB it is carried over into the database, which everything waits for: usual are 4 MB, and
// then one picture in five waits; with 40 MB one in fifty does, 0.2 s long.
func (s *Stack) temporalArgs() []string {
	args := []string{"server", "start-dev",
		"--ip", "127.0.0.1", "--port", strconv.Itoa(s.identity.Ports["temporal"]),
		"--ui-port", strconv.Itoa(s.identity.Ports["temporalUI"]),
		"--db-filename", filepath.Join(s.config.Dir, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
		"--sqlite-pragma", "cache_size=-65536", "--sqlite-pragma", "wal_autocheckpoint=2500",
	}
	for _, value := range tuning {
		args = append(args, "--dynamic-config-value", value)
	}
	return args
}
