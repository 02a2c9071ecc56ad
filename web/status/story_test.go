package status

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"

	"triptych/e2e/statustest"
)

var update = flag.Bool("update", false, "write the stories in testdata/stories")

// The golden histories of closed workflows, and the recordings of workflows that run or wait.
func TestStory(t *testing.T) {
	golden, err := filepath.Glob("../../workflows/testdata/*/*.json")
	if err != nil || len(golden) == 0 {
		t.Fatalf("there are no golden histories: %v", err)
	}
	stories := map[string]Execution{}
	for _, path := range golden {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var history historypb.History
		if err := (temporalproto.CustomJSONUnmarshalOptions{}).Unmarshal(b, &history); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(path)) + "_" + strings.TrimSuffix(filepath.Base(path), ".json")
		stories[name] = Execution{&workflowservice.DescribeWorkflowExecutionResponse{}, history.GetEvents()}
	}
	for name := range recordings {
		description, history := statustest.Load(t, name)
		stories["run_"+name] = Execution{description, history.GetEvents()}
	}
	for name, e := range stories {
		t.Run(name, func(t *testing.T) {
			last := e.history[len(e.history)-1].GetEventTime().AsTime()
			got := e.Story(last.Add(10 * time.Second))
			path := filepath.Join("testdata", "stories", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v: write it with go test ./web/status -run Story -update, and read it", err)
			}
			if got != string(want) {
				t.Errorf("the story is\n%s\nwant\n%s", got, want)
			}
		})
	}
}
