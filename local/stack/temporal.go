package stack

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// dynamicConfig raises rate limits that would delay each step by 50 ms. It also makes the Temporal server update its
// searchable list of workflows (visibility) in batches. The server has only one database connection, and all other
// queries wait during each update.
var dynamicConfig = []string{
	"history.transferProcessorMaxPollRPS=5000",
	"history.timerProcessorMaxPollRPS=5000",
	"history.visibilityProcessorMaxPollRPS=2",
	"history.visibilityTaskBatchSize=1000",
	"history.visibilityProcessorSchedulerWorkerCount=1",
	"system.forceSearchAttributesCacheRefreshOnRead=false", // true reads the database for each task to find new attributes
	"history.sendRawHistoryBetweenInternalServices=true",
	"history.eventsCacheMaxSizeBytes=67108864", // the default of 512 kB evicts events that queued workflows still need
	"system.enableActivityEagerExecution=true",
	"system.enableEagerWorkflowStart=true",
	"matching.numTaskqueueReadPartitions=1",
	"matching.numTaskqueueWritePartitions=1",
	"matching.useNewMatcher=true", // this version needs it for task priorities
}

// startTemporal makes SQLite copy its write-ahead log into the database (a checkpoint) whenever the log reaches 2,500
// pages. Other values cause delays that are longer or more frequent. Without GOGC=400, garbage collection would use a
// third of the Temporal server's CPU time.
func (s *Stack) startTemporal(ctx context.Context) {
	args := []string{"server", "start-dev",
		"--ip", "127.0.0.1", "--port", strconv.Itoa(s.identity.Ports["temporal"]),
		"--ui-port", strconv.Itoa(s.identity.Ports["temporalUI"]),
		"--db-filename", filepath.Join(s.config.Dir, "temporal.db"),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1",
		"--sqlite-pragma", "cache_size=-65536", "--sqlite-pragma", "wal_autocheckpoint=2500",
	}
	for _, value := range dynamicConfig {
		args = append(args, "--dynamic-config-value", value)
	}
	s.spawn(ctx, "temporal", "temporal", append(s.Environment(), "GOGC=400"), args...)
}

// Client returns a new client of the stack's Temporal server.
func (s *Stack) Client() (client.Client, error) {
	c, err := client.NewLazyClient(client.Options{
		HostPort: s.Endpoints.Temporal,
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, fmt.Errorf("creating a Temporal client: %w", err)
	}
	return c, nil
}
