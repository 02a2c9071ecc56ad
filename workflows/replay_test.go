package workflows_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
	"triptych/workflows"
)

// Golden histories are runs of earlier code, which new code must be able to go on with. They are in
// testdata/<workflow>/<generation>/<branch>.json. Add one with every new branch (go test ./workflows -run Golden -record
// missing); never replace one, for such runs may still be open. When workflow.GetVersion makes a new way, its runs
// are the next generation.
var record = flag.String("record", "", "'missing': record the golden histories that are missing, on a Temporal dev server")

// generation is the one that runs which begin today belong to.
var generation = map[string]string{picture.AnnotateWorkflow: "2", picture.EraseWorkflow: "1", picture.SweepWorkflow: "2"}

// recorded is where a branch as it goes today is kept.
func recorded(kind, branch string) string {
	return filepath.Join("testdata", kind, generation[kind], branch+".json")
}

// golden are the workflows and how to play each of their branches for real.
func golden() map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun {
	annotate := map[string]func(*testing.T, client.Client) client.WorkflowRun{}
	for name, b := range branches() {
		annotate[name] = b.script.playForReal
	}
	return map[string]map[string]func(*testing.T, client.Client) client.WorkflowRun{
		picture.AnnotateWorkflow: annotate,
		picture.EraseWorkflow: {
			"a_picture_is_erased":                     playErasure(10 * time.Second),
			"a_picture_whose_grant_is_over_is_erased": playErasure(-time.Hour),
		},
		picture.SweepWorkflow: {
			"a_bucket_is_swept_in_two_pages_with_a_wait_between": playSweep(picture.Sweep{Prefix: "old/", Within: 3600}, someWait...),
			"a_bucket_is_swept_to_annotate_again":                playSweep(picture.Sweep{Reannotate: true}, someWait...),
			"a_bucket_too_large_for_one_run_goes_on_in_the_next": playSweep(picture.Sweep{Prefix: "old/"}, tooMany...),
		},
	}
}

func TestGolden(t *testing.T) {
	if *record == "missing" {
		recordMissing(t)
	}
	for kind, branches := range golden() {
		for name := range branches {
			if _, err := os.Stat(recorded(kind, name)); err != nil {
				t.Errorf("a branch has no history, record it (go test ./workflows -run Golden -record missing): %v", err)
			}
		}
	}
	paths, err := filepath.Glob("testdata/*/*/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no histories: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".json")
		t.Run(name+"_still_replays", func(t *testing.T) {
			if err := replay(path, workflows.AnnotatePicture, workflows.ErasePicture, workflows.SweepPictures); err != nil {
				t.Errorf("open runs like this one would get stuck: keep the old way for them with workflow.GetVersion\n%v", err)
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

// A history that does not go its branch's way guards nothing.
func TestGoldenGoesItsWay(t *testing.T) {
	for _, generation := range []string{"1", "2"} {
		for name, branch := range branches() {
			path := filepath.Join("testdata", picture.AnnotateWorkflow, generation, name+".json")
			if _, err := os.Stat(path); err != nil && generation == "1" {
				continue // the branch is younger
			}
			t.Run(generation+"/"+name, func(t *testing.T) { branch.check(t, load(t, path), generation == "1") })
		}
	}
	for _, c := range []struct {
		kind, branch string
		event        enumspb.EventType
	}{
		{picture.EraseWorkflow, "a_picture_is_erased", enumspb.EVENT_TYPE_TIMER_FIRED},
		{picture.SweepWorkflow, "a_bucket_is_swept_in_two_pages_with_a_wait_between", enumspb.EVENT_TYPE_TIMER_FIRED},
		{picture.SweepWorkflow, "a_bucket_too_large_for_one_run_goes_on_in_the_next", enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW},
	} {
		t.Run(c.branch, func(t *testing.T) {
			if !slices.ContainsFunc(load(t, recorded(c.kind, c.branch)).Events, func(e *historypb.HistoryEvent) bool { return e.EventType == c.event }) {
				t.Errorf("it has no %s", c.event)
			}
		})
	}
}

// check compares a history with what its branch does; before says that it persisted by an activity from the start.
func (b branch) check(t *testing.T, history *historypb.History, before bool) {
	t.Helper()
	var sent []activities.Send
	var here, asActivity, attempts int
	step := map[int64]string{}
	for _, e := range history.Events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			step[e.EventId] = a.ActivityType.Name
			switch picture.StepName(a.ActivityType.Name) {
			case picture.AnnotateStep:
				var in activities.AnnotateInput
				decode(t, a.Input, &in)
				sent = append(sent, in.Send)
			case picture.PersistStep:
				asActivity++
			}
		}
		if a := e.GetActivityTaskStartedEventAttributes(); a != nil && step[a.ScheduledEventId] == string(picture.AnnotateStep) {
			attempts += int(a.Attempt)
		}
		if m := e.GetMarkerRecordedEventAttributes(); m.GetMarkerName() == "LocalActivity" {
			var local struct{ ActivityType string }
			if decode(t, m.Details["data"], &local); local.ActivityType == string(picture.PersistStep) {
				here++
			}
		}
	}
	if want := slices.Compact(slices.Clone(b.sent)); !slices.Equal(sent, want) || attempts != len(b.sent) {
		t.Errorf("shown to Google by %v in %d attempts, want %v in %d", sent, attempts, want, len(b.sent))
	}
	waits := slices.ContainsFunc(b.script.persist, func(err error) bool { return err != nil && !rejects(err) })
	if want := before && !b.unkept || waits; (asActivity > 0) != want || before != (here == 0) && !b.unkept {
		t.Errorf("persist was tried %d times here and scheduled %d times", here, asActivity)
	}
	var outcome picture.Outcome
	if decode(t, history.Events[len(history.Events)-1].GetWorkflowExecutionCompletedEventAttributes().GetResult(), &outcome); outcome.Status != b.want {
		t.Errorf("it ended %s, want %s", outcome.Status, b.want)
	}
}

func rejects(err error) bool {
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && picture.Kind(failure.Type()).Rejects()
}

func decode(t *testing.T, payloads *commonpb.Payloads, into any) {
	t.Helper()
	if err := converter.GetDefaultDataConverter().FromPayloads(payloads, into); err != nil {
		t.Fatal(err)
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
	err := workflow.ExecuteActivity(ctx, string(picture.PersistStep)).Get(ctx, &outcome)
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
		ExtraArgs:     []string{"--dynamic-config-value", fmt.Sprintf("limit.historyCount.suggestContinueAsNew=%d", longHistory)}, // instead of 4,096
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
			path := recorded(kind, name)
			if _, err := os.Stat(path); err == nil {
				continue
			}
			t.Run("recording_"+name, func(t *testing.T) { // with its worker alone: it is stopped when this ends
				run := play(t, server.Client())
				history, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(fetch(t, server.Client(), run))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // of a new generation
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
	serve(t, c, picture.AnnotateQueue, map[string]any{string(picture.AnnotateStep): s.Annotate})
	serve(t, c, picture.PicturesQueue, map[string]any{string(picture.PresignStep): s.Presign, string(picture.PersistStep): s.Persist})
	return execute(t, c, picture.AnnotateWorkflow, picture.Order{Picture: goldenPicture(t), ReannotateBefore: s.again})
}

// playErasure erases a picture whose grant lasts that long.
func playErasure(left time.Duration) func(*testing.T, client.Client) client.WorkflowRun {
	return func(t *testing.T, c client.Client) client.WorkflowRun {
		t.Helper()
		done := func(context.Context, picture.ID) error { return nil }
		serve(t, c, picture.PicturesQueue, map[string]any{
			picture.WriteTombstoneActivity: done, picture.TerminateWorkflowActivity: done, picture.DeleteObjectActivity: done, picture.DeleteHistoryActivity: done,
		})
		return execute(t, c, picture.EraseWorkflow, picture.NewID(time.Now().Add(left-picture.GrantTTL-time.Minute)))
	}
}

// longHistory is the number of events from which the recording server calls a history long; a page is six of them.
const longHistory = 40

var (
	someWait = []activities.SweepResult{page(1000, 1, "k1"), {Full: true}, page(3, 0, "")}
	tooMany  = append(slices.Repeat([]activities.SweepResult{page(1000, 1, "k1")}, longHistory/6+1), page(3, 0, ""))
)

func playSweep(sweep picture.Sweep, answers ...activities.SweepResult) func(*testing.T, client.Client) client.WorkflowRun {
	return func(t *testing.T, c client.Client) client.WorkflowRun {
		t.Helper()
		p := &pages{answers: answers}
		serve(t, c, picture.PicturesQueue, map[string]any{picture.SweepPageActivity: p.Sweep})
		return execute(t, c, picture.SweepWorkflow, sweep)
	}
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
	first := c.GetWorkflow(t.Context(), run.GetID(), run.GetRunID()) // run itself goes on to the last of its chain
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
