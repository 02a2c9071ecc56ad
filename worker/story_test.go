package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"triptych/e2e/statustest"
	"triptych/internal/pipeline"
)

func TestStoryWithKeys(t *testing.T) {
	key := func(id string, b byte) string {
		return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
	}
	stored := key("current", 1)
	for name, c := range map[string]struct{ recording, keys, want, wantErr string }{
		"story_is_told_with_the_key_of_the_payloads": {"completed", stored, "The workflow ended: the picture is annotated", ""},
		"another_key_is_an_error_that_names_the_ID":  {"completed", key("other", 1), "", `"current"`},
		"another_key_with_the_ID_is_an_error":        {"completed", key("current", 2), "", "correct TRIPTYCH_PAYLOAD_KEYS, or the keys of codec"},
		"open_workflow_needs_its_key_too":            {"annotate_waiting_for_retry", key("other", 1), "", `"current"`},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range map[string]string{
				"TEMPORAL_ADDRESS": serve(t, newEncryptedWorkflow(t, c.recording, stored)), "TEMPORAL_CONFIG_FILE": os.DevNull,
				"TRIPTYCH_PAYLOAD_KEYS": c.keys, "TRIPTYCH_SSM_PATH": "",
			} {
				t.Setenv(variable, value)
			}
			var out strings.Builder
			err := tellStory(t.Context(), &out, "a-workflow-ID")
			if c.wantErr == "" && (err != nil || !strings.Contains(out.String(), c.want)) {
				t.Errorf("%v\n%s", err, &out)
			}
			if c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr) || out.Len() > 0) {
				t.Errorf("the error is %v, want one that contains %s\n%s", err, c.wantErr, &out)
			}
		})
	}
}

// encryptedWorkflow is a Temporal server with one workflow.
type encryptedWorkflow struct {
	refusingTemporal
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     *workflowservice.GetWorkflowExecutionHistoryResponse
}

func newEncryptedWorkflow(t *testing.T, recording, keys string) *encryptedWorkflow {
	t.Helper()
	codec, err := pipeline.ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	description, history := statustest.Load(t, recording)
	w := &encryptedWorkflow{description: description, history: &workflowservice.GetWorkflowExecutionHistoryResponse{History: history}}
	for _, message := range []proto.Message{w.description, w.history} {
		if err := proxy.VisitPayloads(t.Context(), message, proxy.VisitPayloadsOptions{
			SkipSearchAttributes: true,
			Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
				return codec.Encode(payloads)
			},
		}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *encryptedWorkflow) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return w.description, nil
}

func (w *encryptedWorkflow) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	return w.history, nil
}
