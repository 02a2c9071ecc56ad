// Package statustest contains workflow executions that were recorded from a real Temporal server, for the tests of web
// and web/status.
package statustest

import (
	"embed"
	"encoding/json"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

//go:embed testdata/runs
var recorded embed.FS

// Load returns the recorded execution with the given name, which is a file name in testdata/runs without .json.
func Load(t testing.TB, name string) (*workflowservice.DescribeWorkflowExecutionResponse, *historypb.History) {
	t.Helper()
	content, err := recorded.ReadFile("testdata/runs/" + name + ".json")
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
