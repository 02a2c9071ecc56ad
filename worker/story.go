package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"

	"triptych/internal/pipeline"
	"triptych/internal/settings"
	"triptych/internal/status"
	"triptych/picture"
)

// tellStory needs no settings except Temporal's.
func tellStory(ctx context.Context, w io.Writer, reference string) error {
	temporal, err := dialReader(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	found := false
	for _, workflowID := range workflowIDs(reference) {
		e, err := status.Read(ctx, temporal, workflowID, "", status.Execution{})
		if err == nil && !e.Exists() && uuid.Validate(workflowID) == nil {
			e, err = readRun(ctx, temporal, workflowID)
		}
		if err != nil {
			return readable(err)
		}
		if e.Exists() {
			found = true
			fmt.Fprintf(w, "%s, run %s\n%s", e.WorkflowID(), e.RunID(), e.Story(time.Now().UTC()))
		}
	}
	if !found {
		return fmt.Errorf("no workflow in Temporal has the reference %s: compare it with the page's. The workflow of an upload may not have started yet (see “A picture is missing” in docs/operations.md), and Temporal deletes workflows after their retention", reference)
	}
	return nil
}

// workflowIDs returns the workflow IDs that the reference can mean. A run ID can look like a picture ID, so a reference
// that looks like one is also the last ID itself.
func workflowIDs(reference string) []string {
	id, err := picture.ParseID(reference)
	if fromKey, _, keyErr := picture.ParseKey(reference); keyErr == nil {
		id, err = fromKey, nil
	}
	if err != nil {
		return []string{reference}
	}
	ids := []string{id.WorkflowID(), id.EraseWorkflowID()} // the history of an erased picture is deleted
	if string(id) == reference {
		ids = append(ids, reference)
	}
	return ids
}

func readRun(ctx context.Context, c client.Client, runID string) (status.Execution, error) {
	list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("RunId = '%s'", runID)})
	if err != nil || len(list.GetExecutions()) == 0 {
		return status.Execution{}, err
	}
	return status.Read(ctx, c, list.GetExecutions()[0].GetExecution().GetWorkflowId(), runID, status.Execution{})
}

// dialReader decrypts with TRIPTYCH_PAYLOAD_KEYS, or through the codec of the Temporal CLI's configuration.
func dialReader(ctx context.Context) (client.Client, error) {
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	s.Temporal.Logger = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	if keys := s.Getenv("TRIPTYCH_PAYLOAD_KEYS"); keys != "" {
		return pipeline.Dial(s.Temporal, keys)
	}
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the TEMPORAL_* settings: %w", err)
	}
	if profile.Codec == nil || profile.Codec.Endpoint == "" {
		return nil, errors.New("set TRIPTYCH_PAYLOAD_KEYS, or TEMPORAL_CODEC_ENDPOINT while codec runs. With go run ./local: export TEMPORAL_CONFIG_FILE=.triptych/temporal.toml")
	}
	return pipeline.DialThrough(s.Temporal, converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: profile.Codec.Endpoint}))
}

func readable(err error) error {
	if strings.Contains(err.Error(), "/decode") { // of the remote codec
		return fmt.Errorf("decrypting the workflow (start the codec: go run ./codec): %w", err)
	}
	return fmt.Errorf("%w (%w)", pipeline.Explain(err), err)
}
