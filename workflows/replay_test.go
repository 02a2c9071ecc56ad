package workflows_test

import (
	"context"
	"flag"
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

// Golden histories are runs of earlier code, which new code must be able to go on with. Add one with every new
// branch (go test ./workflows -run Golden -record missing); never replace one, for such runs may still be open.
var record = flag.String("record", "", "'missing': record the golden histories that are missing, on a Temporal dev server")

// golden are the workflows and how to play each of their branches for real.
func golden() map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun {
	annotate := map[string]func(*testing.T, client.Client) client.WorkflowRun{}
	for name, b := range branches() {
		annotate[name] = b.script.playForReal
	}
	return map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun{
		picture.AnnotateWorkflow: annotate,
		picture.EraseWorkflow:    {"a_picture_is_erased": playErasure},
		picture.SweepWorkflow:    {"a_bucket_is_swept_in_two_pages_with_a_wait_between": playSweep},
	}
}

func TestGolden(t *testing.T) {
	if *record == "missing" {
		recordMissing(t)
	}
	for kind, branches := range golden() {
		for name := range branches {
			path := filepath.Join("testdata", kind, name+".json")
			t.Run(name+"_still_replays", func(t *testing.T) {
				if err := replay(path, workflows.AnnotatePicture, workflows.ErasePicture, workflows.SweepPictures); err != nil {
					t.Errorf("open runs like this one would get stuck: keep the old way for them with workflow.GetVersion. (If the branch is new: go test ./workflows -run Golden -record missing)\n%v", err)
				}
			})
			t.Run(name+"_waits_for_every_cloud_without_end", func(t *testing.T) { checkEndless(t, path) })
			t.Run(name+"_does_not_replay_on_another_workflow", func(t *testing.T) {
				if err := replay(path, forgetful, forgetful, forgetful); err == nil {
					t.Error("a workflow that does something else went unnoticed: this check cannot fail")
				}
			})
		}
	}
}

func TestPersistIsAnActivityOnlyWhenItHasToWait(t *testing.T) {
	for name, want := range map[string]bool{
		"a_Record_is_written_without_an_activity":                           false,
		"a_Record_that_cannot_be_written_at_once_is_written_by_an_activity": true,
		"a_picture_is_annotated":                                            true, // as runs did before it was tried at once
	} {
		t.Run(name, func(t *testing.T) {
			got := slices.ContainsFunc(load(t, filepath.Join("testdata", picture.AnnotateWorkflow, name+".json")).Events, func(e *historypb.HistoryEvent) bool {
				return e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == string(picture.Persist)
			})
			if got != want {
				t.Errorf("an activity: %v, want %v", got, want)
			}
		})
	}
}

// checkEndless wants no activity to have a last attempt or a last moment: a run would end there without a Record.
func checkEndless(t *testing.T, path string) {
	t.Helper()
	activities := 0
	for _, event := range load(t, path).Events {
		a := event.GetActivityTaskScheduledEventAttributes()
		if a == nil {
			continue
		}
		activities++
		if a.RetryPolicy.MaximumAttempts != 0 || a.ScheduleToCloseTimeout.AsDuration() != 0 || a.ScheduleToStartTimeout.AsDuration() != 0 {
			t.Errorf("%s is given up at some time: %v", a.ActivityType.Name, a)
		}
	}
	if activities == 0 {
		t.Error("the history has no activities")
	}
}

func load(t *testing.T, path string) *historypb.History {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var history historypb.History
	if err := (temporalproto.CustomJSONUnmarshalOptions{}).Unmarshal(b, &history); err != nil {
		t.Fatal(err)
	}
	return &history
}

// forgetful is incompatible with every history on purpose.
func forgetful(ctx workflow.Context, _ any) (any, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var outcome any
	err := workflow.ExecuteActivity(ctx, string(picture.Persist)).Get(ctx, &outcome)
	return outcome, err
}

func replay(path string, annotatePicture, erasePicture, sweepPictures any) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(annotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	replayer.RegisterWorkflowWithOptions(erasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	replayer.RegisterWorkflowWithOptions(sweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	return replayer.ReplayWorkflowHistoryFromJSONFile(discard, path)
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
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for kind, branches := range golden() {
		for name, play := range branches {
			path := filepath.Join("testdata", kind, name+".json")
			if _, err := os.Stat(path); err == nil {
				continue
			}
			t.Run("recording_"+name, func(t *testing.T) { // with its worker alone: it is stopped when this ends
				run := play(t, server.Client())
				history, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(fetch(t, server.Client(), run))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, history, 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// playForReal plays the script on a real server.
func (s script) playForReal(t *testing.T, c client.Client) client.WorkflowRun {
	t.Helper()
	serve(t, c, picture.AnnotateQueue, map[string]any{string(picture.Annotate): s.Annotate})
	serve(t, c, picture.PicturesQueue, map[string]any{string(picture.Presign): s.Presign, string(picture.Persist): s.Persist})
	return execute(t, c, picture.AnnotateWorkflow, picture.Order{Picture: goldenPicture(t), Again: s.again})
}

// playErasure erases a picture whose grant lasts two more seconds, so that its history has the timer.
func playErasure(t *testing.T, c client.Client) client.WorkflowRun {
	t.Helper()
	done := func(context.Context, picture.ID) error { return nil }
	serve(t, c, picture.PicturesQueue, map[string]any{
		picture.Bury: done, picture.Terminate: done, picture.Delete: done, picture.Forget: done,
	})
	return execute(t, c, picture.EraseWorkflow, picture.NewID(time.Now().Add(2*time.Second-picture.GrantTTL-time.Minute)))
}

func playSweep(t *testing.T, c client.Client) client.WorkflowRun {
	t.Helper()
	p := &pages{answers: []activities.SweptPage{page(1000, 1, "k1"), {Full: true}, page(3, 0, "")}}
	serve(t, c, picture.PicturesQueue, map[string]any{picture.SweepPage: p.Sweep})
	return execute(t, c, picture.SweepWorkflow, picture.Sweep{Prefix: "old/", Within: 3600})
}

// serve runs a worker until the test ends.
func serve(t *testing.T, c client.Client, queue string, steps map[string]any) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.AnnotatePicture, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	w.RegisterWorkflowWithOptions(workflows.SweepPictures, workflow.RegisterOptions{Name: picture.SweepWorkflow})
	w.RegisterWorkflowWithOptions(workflows.ErasePicture, workflow.RegisterOptions{Name: picture.EraseWorkflow})
	for name, step := range steps {
		w.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: name})
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

func execute(t *testing.T, c client.Client, kind string, input any) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "golden", TaskQueue: picture.PicturesQueue}, kind, input)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return run
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

func fetch(t *testing.T, c client.Client, run client.WorkflowRun) *historypb.History {
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
