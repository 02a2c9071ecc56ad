package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

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
			if err := requireKeys(ctx, e); err != nil {
				return err
			}
			found = true
			fmt.Fprintf(w, "%s, run %s\n%s", e.WorkflowID(), e.RunID(), e.Story(time.Now().UTC()))
		}
	}
	if !found {
		return fmt.Errorf("no workflow in Temporal has the reference %s: compare it with the page's. The workflow of an upload may not have started yet (see “A picture is missing” in docs/operations.md), and Temporal deletes workflows after their retention", reference)
	}
	return nil
}

func requireKeys(ctx context.Context, e status.Execution) error {
	id, err := e.MissingKey(ctx)
	if err == nil && id != "" {
		err = fmt.Errorf("no key with the ID %q decrypts the workflow %s: correct TRIPTYCH_PAYLOAD_KEYS, or the keys of codec", id, e.WorkflowID())
	}
	return err
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
	return pipeline.DialThrough(s.Temporal, remoteCodec{converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: profile.Codec.Endpoint,
		ModifyRequest: func(r *http.Request) error { // as the Temporal CLI does
			r.Header.Set("X-Namespace", cmp.Or(s.Temporal.Namespace, client.DefaultNamespace))
			if profile.Codec.Auth != "" {
				r.Header.Set("Authorization", profile.Codec.Auth)
			}
			return nil
		},
	})})
}

type remoteCodec struct{ converter.PayloadCodec }

// Decode gives its error a code with which Temporal's client does not repeat the call. Otherwise, it repeats the call until the
// deadline and loses the error.
func (c remoteCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decrypted, err := c.PayloadCodec.Decode(payloads)
	if err != nil {
		return nil, grpcstatus.Error(codes.FailedPrecondition, "The codec does not decrypt the workflow: start it (go run ./codec), or set TEMPORAL_CODEC_AUTH if it demands authorization: "+err.Error())
	}
	return decrypted, nil
}

func readable(err error) error {
	if _, ok := errors.AsType[*serviceerror.FailedPrecondition](err); ok { // of remoteCodec
		return err
	}
	return pipeline.Explain(err)
}
