package workflows_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/picture"
	"triptych/workflows"
)

// Golden histories are runs of earlier code, which new code must be able to go on with. Add to them when a branch
// is added (go test ./workflows -run Golden -record NAME); never replace one, for such runs are still open.
var record = flag.String("record", "", "record the golden history of this `branch` on a Temporal dev server; all: every one that is missing")

func TestGolden(t *testing.T) {
	if *record != "" {
		recordGolden(t)
	}
	histories, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	for _, path := range histories {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		recorded[name] = true
		t.Run(name+"_still_replays", func(t *testing.T) {
			if err := replay(path, workflows.AnnotatePicture); err != nil {
				t.Errorf("open runs like this one would get stuck: keep the old way for them with workflow.GetVersion\n%v", err)
			}
		})
		t.Run(name+"_does_not_replay_on_another_workflow", func(t *testing.T) {
			if err := replay(path, withoutPresign); err == nil {
				t.Error("a workflow that forgets to presign went unnoticed: this check cannot fail")
			}
		})
	}
	for name := range branches() {
		if !recorded[name] {
			t.Errorf("branch %s has no golden history: go test ./workflows -run Golden -record %s", name, name)
		}
	}
}

// withoutPresign is incompatible with every history on purpose.
func withoutPresign(ctx workflow.Context, p picture.Picture) (picture.Outcome, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var outcome picture.Outcome
	err := workflow.ExecuteActivity(ctx, string(picture.Persist), p).Get(ctx, &outcome)
	return outcome, err
}

func replay(path string, annotatePicture any) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(annotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	return replayer.ReplayWorkflowHistoryFromJSONFile(nil, path)
}

func recordGolden(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "-modfile=../tools/go.mod", "temporal").Output()
	if err != nil {
		t.Fatal(err)
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath:  strings.TrimSpace(string(out)),
		ClientOptions: &client.Options{Identity: "golden"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for name, b := range branches() {
		path := filepath.Join("testdata", name+".json")
		_, err := os.Stat(path)
		if *record == name || *record == "all" && err != nil {
			s := b.script
			if err := os.WriteFile(path, runForReal(t, server.Client(), &s), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// runForReal plays the script on a real server and returns the run's history.
func runForReal(t *testing.T, c client.Client, s *script) []byte {
	t.Helper()
	for queue, steps := range map[string]map[picture.StepName]any{
		picture.PicturesQueue: {picture.Presign: s.Presign, picture.Persist: s.Persist},
		picture.AnnotateQueue: {picture.Annotate: s.Annotate},
	} {
		w := worker.New(c, queue, worker.Options{})
		w.RegisterWorkflowWithOptions(workflows.AnnotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
		for name, step := range steps {
			w.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: string(name)})
		}
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
	}
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "picture/golden", TaskQueue: picture.PicturesQueue},
		picture.AnnotateWorkflow, goldenPicture(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	history, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(fetch(t.Context(), t, c, run))
	if err != nil {
		t.Fatal(err)
	}
	return history
}

func goldenPicture(t *testing.T) picture.Picture {
	t.Helper()
	p, err := picture.New("bucket", "pictures/01990000-0000-7000-8000-000000000000.jpg", "v1", "etag", 1234,
		time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fetch(ctx context.Context, t *testing.T, c client.Client, run client.WorkflowRun) *historypb.History {
	t.Helper()
	var history historypb.History
	events := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		history.Events = append(history.Events, event)
	}
	return &history
}
