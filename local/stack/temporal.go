package stack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"triptych/internal/pipeline"
	"triptych/local/gateway"
	"triptych/picture"
)

var dynamicConfig = []string{
	// The default rate limits would delay each step by 50 ms.
	"history.transferProcessorMaxPollRPS=5000",
	"history.timerProcessorMaxPollRPS=5000",
	"history.visibilityTaskBatchSize=1000",                 // tasks per read, of which 20 a second are allowed
	"system.forceSearchAttributesCacheRefreshOnRead=false", // true reads the database for each task to find new attributes
	"history.sendRawHistoryBetweenInternalServices=true",
	"history.eventsCacheMaxSizeBytes=2097152", // events of about 200 pictures; those of other pictures are read from the disk
	"system.enableActivityEagerExecution=true",
	"system.enableEagerWorkflowStart=true",
	"matching.numTaskqueueReadPartitions=1",
	"matching.numTaskqueueWritePartitions=1",
	"matching.enableFairness=true", // implies the matcher that this version needs for task priorities
}

func (s *Stack) startTemporal(ctx context.Context) error {
	ui, err := s.hiddenPort()
	if err != nil {
		return err
	}
	args := []string{
		"-ip", "127.0.0.1", "-port", strconv.Itoa(s.identity.Ports["temporal"]),
		"-ui-port", strconv.Itoa(ui), "-ui-codec-endpoint", "http://" + s.identity.addr("codec"),
		"-dir", filepath.Join(s.config.Dir, "temporal"),
		// In a new namespace, so that the worker need not wait until the server knows them.
		"-search-attribute", picture.StatusAttribute + "=Keyword", "-search-attribute", picture.ReasonAttribute + "=Keyword",
	}
	for _, value := range dynamicConfig {
		args = append(args, "-dynamic-config-value", value)
	}
	if err := s.startServer(ctx, args); err != nil {
		return err
	}
	return s.listenAndServe(ctx, "temporalUI", gateway.TemporalUI(loopbackAddr(ui)))
}

func (s *Stack) startCodec(ctx context.Context) error {
	args := []string{"-addr", s.identity.addr("codec")}
	if ui := s.Endpoints.TemporalUI; ui != "" {
		args = append(args, "-ui", ui+",http://localhost:"+strconv.Itoa(s.identity.Ports["temporalUI"]))
	}
	s.spawn(ctx, "codec", "codec", s.Environment(), args...)
	profile := fmt.Sprintf("[profile.default]\naddress = %q\nnamespace = \"default\"\n\n[profile.default.codec]\nendpoint = %q\n",
		s.Endpoints.Temporal, "http://"+s.identity.addr("codec"))
	if err := os.WriteFile(filepath.Join(s.config.Dir, "temporal.toml"), []byte(profile), 0o600); err != nil {
		return fmt.Errorf("writing the profile of the Temporal CLI: %w", err)
	}
	return nil
}

// Client returns a client that connects on first use.
func (s *Stack) Client() (client.Client, error) {
	return pipeline.Dial(client.Options{
		HostPort: s.Endpoints.Temporal,
		Logger:   sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}, s.Endpoints.PayloadKeys)
}
