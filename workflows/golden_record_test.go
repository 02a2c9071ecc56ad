package workflows_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

	"triptych/activities"
	"triptych/picture"
	"triptych/workflows"
)

var record = flag.String("record", "", "'missing': record the missing golden histories on a Temporal server")

func recorders() map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun {
	annotate := map[string]func(*testing.T, client.Client) client.WorkflowRun{}
	for name, b := range branches() {
		annotate[name] = b.script.executeOnServer
	}
	return map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun{
		picture.AnnotateWorkflow: annotate,
		picture.EraseWorkflow: {
			"new_picture": eraseOnServer(10 * time.Second),
			"old_picture": eraseOnServer(-time.Hour),
		},
		picture.SweepWorkflow: {
			"two_pages_with_a_wait": sweepOnServer(picture.Sweep{Prefix: "old/", Within: 3600}, twoPages...),
			"reannotation":          sweepOnServer(picture.Sweep{Reannotate: true}, twoPages...),
			"continued_as_new":      sweepOnServer(picture.Sweep{Prefix: "old/"}, manyPages...),
		},
	}
}

func recordMissing(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "-modfile=../tools/go.mod", "temporal").Output()
	if err != nil {
		t.Fatal(err)
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ExistingPath:  strings.TrimSpace(string(out)),
		ClientOptions: &client.Options{Identity: "golden"},
		ExtraArgs: []string{"--dynamic-config-value", fmt.Sprintf("limit.historyCount.suggestContinueAsNew=%d", suggestContinueAsNew),
			"--search-attribute", picture.StatusAttribute + "=Keyword", "--search-attribute", picture.ReasonAttribute + "=Keyword"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for kind, branches := range recorders() {
		for name, executeBranch := range branches {
			path := goldenPath(kind, name)
			if _, err := os.Stat(path); err == nil {
				continue
			}
			t.Run("recording_"+name, func(t *testing.T) { // a subtest, so that its worker stops before the next one starts
				run := executeBranch(t, server.Client())
				history, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(fetchHistory(t, server.Client(), run))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, history, 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func (s script) executeOnServer(t *testing.T, c client.Client) client.WorkflowRun {
	t.Helper()
	pictures := s.activities()
	delete(pictures, string(picture.AnnotateStep))
	startWorker(t, c, picture.AnnotateQueue, map[string]any{string(picture.AnnotateStep): s.Annotate})
	startWorker(t, c, picture.PicturesQueue, pictures)
	return executeWorkflow(t, c, picture.AnnotateWorkflow, picture.Order{Picture: goldenPicture(t), ReannotateBefore: s.reannotateBefore})
}

func eraseOnServer(grantRemaining time.Duration) func(*testing.T, client.Client) client.WorkflowRun {
	return func(t *testing.T, c client.Client) client.WorkflowRun {
		t.Helper()
		done := func(context.Context, picture.ID) error { return nil }
		startWorker(t, c, picture.PicturesQueue, map[string]any{
			picture.WriteTombstoneActivity: done, picture.TerminateWorkflowActivity: done,
			picture.DeleteObjectActivity: done, picture.DeleteHistoryActivity: done,
		})
		return executeWorkflow(t, c, picture.EraseWorkflow, picture.NewID(time.Now().Add(grantRemaining-picture.GrantTTL-time.Minute), rand.Text()))
	}
}

const suggestContinueAsNew = 40

var (
	twoPages  = []activities.SweepResult{page(1000, 1, "k1"), {Full: true}, page(3, 0, "")}
	manyPages = append(slices.Repeat([]activities.SweepResult{page(1000, 1, "k1")}, suggestContinueAsNew/6+1), page(3, 0, ""))
)

func sweepOnServer(sweep picture.Sweep, results ...activities.SweepResult) func(*testing.T, client.Client) client.WorkflowRun {
	return func(t *testing.T, c client.Client) client.WorkflowRun {
		t.Helper()
		p := &pages{pages: results}
		startWorker(t, c, picture.PicturesQueue, map[string]any{picture.SweepPageActivity: p.SweepPage})
		return executeWorkflow(t, c, picture.SweepWorkflow, sweep)
	}
}

func startWorker(t *testing.T, c client.Client, queue string, activities map[string]any) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.AnnotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	w.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	w.RegisterWorkflowWithOptions(workflows.ErasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	for name, f := range activities {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

func executeWorkflow(t *testing.T, c client.Client, kind string, input any) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "golden", TaskQueue: picture.PicturesQueue}, kind, input)
	if err != nil {
		t.Fatal(err)
	}
	first := c.GetWorkflow(t.Context(), run.GetID(), run.GetRunID()) // run itself follows continue-as-new
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return first
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

func fetchHistory(t *testing.T, c client.Client, run client.WorkflowRun) *historypb.History {
	t.Helper()
	var history historypb.History
	events := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		history.Events = append(history.Events, event)
	}
	return &history
}
