package status

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"triptych/picture"
)

// To record statustest/testdata/runs anew, beside `go tool -modfile=tools/go.mod temporal server start-dev --headless`:
//
//	go test ./web/status -run 'TestProgress$' -record 127.0.0.1:7233
var recordFrom = flag.String("record", "", "`host:port` of a Temporal server to record statustest/testdata/runs from")

// scene is one moment of a run: what the worker does, and how to know that the moment has come.
type scene struct {
	noWorker                   bool
	panics                     bool
	annotateQueue              string
	persistHere                bool // as a local activity
	presign, annotate, persist func(context.Context) error
	then                       func(ctx context.Context, c client.Client, id string) error // when annotate is under way
	until                      func(Execution) bool
}

func scenes() map[string]scene {
	down := always(fails(picture.Unavailable, "Google is down", time.Hour))
	blink := fails(picture.Unavailable, "Google is down", time.Millisecond)
	terminate := func(ctx context.Context, c client.Client, id string) error {
		return c.TerminateWorkflow(ctx, id, "", "by hand")
	}
	cancel := func(ctx context.Context, c client.Client, id string) error { return c.CancelWorkflow(ctx, id, "") }
	const started, scheduled = enumspb.PENDING_ACTIVITY_STATE_STARTED, enumspb.PENDING_ACTIVITY_STATE_SCHEDULED
	return map[string]scene{
		"no_worker_yet":                    {noWorker: true, until: has(enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)},
		"presign_is_under_way":             {presign: silent, until: has(enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED)},
		"annotate_waits_for_a_worker":      {annotateQueue: "nobody", until: pending(picture.AnnotateStep, scheduled, 1)},
		"annotate_is_under_way":            {annotate: stays, until: pending(picture.AnnotateStep, started, 1)},
		"annotate_waits_to_be_tried_again": {annotate: down, until: pending(picture.AnnotateStep, scheduled, 2)},
		"annotate_is_tried_again":          {annotate: first(blink, stays), until: pending(picture.AnnotateStep, started, 2)},
		"annotate_lost_its_worker":         {annotate: silent, until: pending(picture.AnnotateStep, scheduled, 2)},
		"an_unfetchable_URL_sends_bytes": {
			annotate: first(fails(picture.Unfetchable, "Google cannot fetch it", 0), stays),
			until:    both(has(enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED), pending(picture.AnnotateStep, started, 1)),
		},
		"a_bad_image_is_being_rejected": {
			annotate: always(fails(picture.BadImage, "this is no image", 0)), persist: stays,
			until: pending(picture.PersistStep, started, 1),
		},
		"persist_is_throttled": {
			annotate: first(blink, done), persist: always(fails(picture.Throttled, "Cosmos DB asks for patience", time.Hour)),
			until: pending(picture.PersistStep, scheduled, 2),
		},
		"persist_is_tried_within_the_workflow": {
			persistHere: true, persist: silent,
			until: both(has(enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED), func(r Execution) bool {
				return r.description.GetPendingWorkflowTask().GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_STARTED
			}),
		},
		"a_run_completed_within_the_workflow": {persistHere: true, until: has(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)},
		"a_run_completed":                     {until: has(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)},
		"a_terminated_run_waits":              {annotate: stays, then: terminate, until: has(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)},
		"a_failed_run_waits":                  {presign: always(fails(picture.BadImage, "no credentials", 0)), until: has(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)},
		"the_workflow_code_panics": {panics: true, until: func(r Execution) bool {
			return has(enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED)(r) && r.description.GetPendingWorkflowTask().GetAttempt() == 2
		}},
		"a_run_is_cancelled_in_an_activity": {annotate: stays, then: cancel, until: has(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED)},
	}
}

func done(context.Context) error { return nil }

// silent neither ends nor beats.
func silent(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// stays is under way for as long as anyone looks.
func stays(ctx context.Context) error {
	for {
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func always(err error) func(context.Context) error { return func(context.Context) error { return err } }

// first fails once, and then does something else.
func first(failure error, after func(context.Context) error) func(context.Context) error {
	failed := false
	return func(ctx context.Context) error {
		if !failed {
			failed = true
			return failure
		}
		return after(ctx)
	}
}

func fails(kind picture.Kind, message string, next time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, string(kind), temporal.ApplicationErrorOptions{
		NonRetryable: !kind.Retries(), NextRetryDelay: next,
	})
}

func has(want enumspb.EventType) func(Execution) bool {
	return func(r Execution) bool {
		return slices.ContainsFunc(r.history, func(e *historypb.HistoryEvent) bool { return e.EventType == want })
	}
}

// pending is when the newest activity is in this state. A description older than the history is waited out.
func pending(step picture.StepName, state enumspb.PendingActivityState, attempt int32) func(Execution) bool {
	return func(r Execution) bool {
		newest := ""
		for _, event := range r.history {
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				newest = a.ActivityId
			}
			if event.GetActivityTaskFailedEventAttributes() != nil {
				newest = "" // and not yet scheduled again
			}
		}
		p := r.description.GetPendingActivities()
		return len(p) == 1 && p[0].ActivityId == newest && p[0].ActivityType.Name == string(step) &&
			p[0].State == state && p[0].Attempt == attempt
	}
}

func both(a, b func(Execution) bool) func(Execution) bool {
	return func(r Execution) bool { return a(r) && b(r) }
}

func recordRuns(t *testing.T) {
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	c, err := client.Dial(client.Options{HostPort: *recordFrom, Identity: "recorder", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, s := range scenes() {
		if err := s.record(t, c, name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func (s scene) record(t *testing.T, c client.Client, name string) error {
	id := picture.NewID(time.Now())
	if !s.noWorker {
		w := worker.New(c, string(id), worker.Options{})
		s.register(w)
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop()
	}
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id.WorkflowID(), TaskQueue: string(id)},
		picture.AnnotateWorkflow, picture.Picture{ID: id, Bucket: "pictures", Key: "pictures/" + string(id) + ".jpg", VersionID: "v1", Size: 4096})
	if err != nil {
		return err
	}
	underWay := pending(picture.AnnotateStep, enumspb.PENDING_ACTIVITY_STATE_STARTED, 1)
	for look := time.Tick(20 * time.Millisecond); ; <-look {
		execution, err := Read(t.Context(), c, id, Execution{})
		if err != nil {
			return err
		}
		if s.then != nil && underWay(execution) {
			if err := s.then(t.Context(), c, id.WorkflowID()); err != nil {
				return err
			}
			s.then = nil
		}
		if s.until(execution) {
			return save(name, execution)
		}
	}
}

// register hosts a small stand-in for the product's workflow, with the same names and the same kinds of
// activity.
func (s scene) register(w worker.Worker) {
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, p picture.Picture) (picture.Outcome, error) {
		if s.panics {
			panic("a bug")
		}
		local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
		normal := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Hour}})
		google := normal
		if s.annotateQueue != "" {
			google = workflow.WithTaskQueue(normal, s.annotateQueue)
		}
		for again := true; again; {
			if err := workflow.ExecuteLocalActivity(local, string(picture.PresignStep)).Get(ctx, nil); err != nil {
				return picture.Outcome{}, err
			}
			err := workflow.ExecuteActivity(google, string(picture.AnnotateStep)).Get(ctx, nil)
			failure, _ := errors.AsType[*temporal.ApplicationError](err)
			again = failure != nil && failure.Type() != string(picture.BadImage)
			if err != nil && failure == nil {
				return picture.Outcome{}, err
			}
		}
		if s.persistHere {
			return picture.Outcome{ID: p.ID, Status: picture.Annotated}, workflow.ExecuteLocalActivity(local, string(picture.PersistStep)).Get(ctx, nil)
		}
		return picture.Outcome{ID: p.ID, Status: picture.Annotated}, workflow.ExecuteActivity(normal, string(picture.PersistStep)).Get(ctx, nil)
	}, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	for name, do := range map[picture.StepName]func(context.Context) error{
		picture.PresignStep: s.presign, picture.AnnotateStep: s.annotate, picture.PersistStep: s.persist,
	} {
		if do == nil {
			do = done
		}
		w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: string(name)})
	}
}

// save keeps what the server said, but for what is of this machine only.
func save(name string, r Execution) error {
	both := map[string]any{}
	for part, message := range map[string]proto.Message{"description": r.description, "history": &historypb.History{Events: r.history}} {
		raw, err := protojson.Marshal(message)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return err
		}
		both[part] = anonymous(value)
	}
	content, err := json.MarshalIndent(both, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join("statustest", "testdata", "runs"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("statustest", "testdata", "runs", name+".json"), append(content, '\n'), 0o644)
}

func anonymous(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range []string{"stackTrace", "identity", "lastWorkerIdentity", "workerVersion", "binaryChecksum",
			"sdkMetadata", "meteringMetadata", "mostRecentWorkerVersionStamp", "lastWorkerDeploymentVersion"} {
			delete(value, key)
		}
		for key := range value {
			value[key] = anonymous(value[key])
		}
	case []any:
		for i := range value {
			value[i] = anonymous(value[i])
		}
	}
	return value
}
