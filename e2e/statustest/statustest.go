// Package statustest loads recordings of workflows that ran on a real Temporal server.
package statustest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Load reads internal/status/testdata/runs/<name>.json.
func Load(t testing.TB, name string) (*workflowservice.DescribeWorkflowExecutionResponse, *historypb.History) {
	t.Helper()
	_, source, _, _ := runtime.Caller(0)
	content, err := os.ReadFile(filepath.Join(filepath.Dir(source), "../../internal/status/testdata/runs", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Description, History json.RawMessage }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	description, history := new(workflowservice.DescribeWorkflowExecutionResponse), new(historypb.History)
	for raw, into := range map[*json.RawMessage]proto.Message{&file.Description: description, &file.History: history} {
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(*raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return description, history
}

// LoadHistory reads a history that the Temporal CLI or the tests of workflows have written.
func LoadHistory(t testing.TB, path string) *historypb.History {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	history := new(historypb.History)
	if err := (temporalproto.CustomJSONUnmarshalOptions{}).Unmarshal(content, history); err != nil {
		t.Fatal(err)
	}
	return history
}
