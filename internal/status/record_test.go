package status

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
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

// To record the executions again, start `go run -C tools ./temporalite -headless` and run:
//
//	go test ./internal/status -run 'TestProgress$' -record 127.0.0.1:7233
var recordFrom = flag.String("record", "", "`host:port` of the Temporal server that runs the workflows to record")

var recordingsDir = filepath.Join("testdata", "runs") // read by package statustest

type scenario struct {
	noWorker                            bool
	panics                              bool   // in the workflow code
	annotateQueue                       string // "" is the queue of the workflow
	presign, annotate, persist, discard func(context.Context) error
	whenAnnotateRuns                    func(ctx context.Context, c client.Client, workflowID string) error // may be nil
	reached                             func(Execution) bool                                                // whether to record the execution now
}

func scenarios() map[string]scenario {
	const started, scheduled = enumspb.PENDING_ACTIVITY_STATE_STARTED, enumspb.PENDING_ACTIVITY_STATE_SCHEDULED
	googleDown := activityError(picture.Unavailable, picture.Google, "The service is down", time.Hour)
	googleDownBriefly := activityError(picture.Unavailable, picture.Google, "The service is down", time.Millisecond)
	azureThrottles := activityError(picture.Throttled, picture.Azure, "The service throttles writes", time.Hour)
	noAWSCredentials := activityError(picture.Forbidden, picture.AWS, "The credentials are missing", time.Hour)
	badImage := activityError(picture.BadImage, picture.Google, "The file is not an image", 0)
	unfetchable := activityError(picture.Unfetchable, picture.Google, "The URL cannot be fetched", 0)
	wasErased := activityError(picture.WasErased, "", "The owner erased the picture", 0)
	terminate := func(ctx context.Context, c client.Client, workflowID string) error {
		return c.TerminateWorkflow(ctx, workflowID, "", "by hand")
	}
	cancel := func(ctx context.Context, c client.Client, workflowID string) error {
		return c.CancelWorkflow(ctx, workflowID, "")
	}
	pause := func(ctx context.Context, c client.Client, workflowID string) error {
		_, err := c.WorkflowService().PauseActivity(ctx, &workflowservice.PauseActivityRequest{
			Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: workflowID},
			Activity: &workflowservice.PauseActivityRequest_Type{Type: string(picture.AnnotateStep)},
		})
		return err
	}
	return map[string]scenario{
		"no_worker":                  {noWorker: true, reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)},
		"presign_running_locally":    {presign: hangs, reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED)},
		"presign_waiting_for_retry":  {presign: always(noAWSCredentials), reached: hasPending(picture.PresignStep, scheduled, 2)},
		"annotate_without_worker":    {annotateQueue: "nobody", reached: hasPending(picture.AnnotateStep, scheduled, 1)},
		"annotate_running":           {annotate: heartbeats, reached: hasPending(picture.AnnotateStep, started, 1)},
		"annotate_waiting_for_retry": {annotate: always(googleDown), reached: hasPending(picture.AnnotateStep, scheduled, 2)},
		"annotate_retrying":          {annotate: once(googleDownBriefly, heartbeats), reached: hasPending(picture.AnnotateStep, started, 2)},
		"annotate_heartbeat_timeout": {annotate: hangs, reached: hasPending(picture.AnnotateStep, scheduled, 2)},
		"annotate_paused_before_a_retry": {
			annotate: func(ctx context.Context) error { heartbeats(ctx); return googleDown }, whenAnnotateRuns: pause, reached: hasState(enumspb.PENDING_ACTIVITY_STATE_PAUSED),
		},
		"annotate_running_when_paused": {annotate: func(ctx context.Context) error { return heartbeats(context.WithoutCancel(ctx)) }, whenAnnotateRuns: pause, reached: hasState(enumspb.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED)},
		"annotate_running_with_bytes": {
			annotate: once(unfetchable, heartbeats),
			reached:  both(hasEvent(enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED), hasPending(picture.AnnotateStep, started, 1)),
		},
		"rejection_running_persist": {
			annotate: always(badImage), persist: once(azureThrottles, heartbeats),
			reached: hasPending(picture.PersistStep, started, 1),
		},
		"persist_waiting_for_retry": {
			annotate: once(googleDownBriefly, succeeds), persist: always(azureThrottles),
			reached: hasPending(picture.PersistStep, scheduled, 2),
		},
		"persist_running_locally":   {persist: hangs, reached: both(hasEvent(enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED), hasStartedWorkflowTask)},
		"discard_running_locally":   {annotate: always(wasErased), discard: hangs, reached: both(hasEvent(enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED), hasStartedWorkflowTask)},
		"discard_waiting_for_retry": {annotate: always(wasErased), discard: always(azureThrottles), reached: hasPending(picture.DiscardActivity, scheduled, 2)},

		"completed":                    {persist: once(azureThrottles, succeeds), reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)},
		"completed_with_local_persist": {reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)},
		"completed_with_discard":       {annotate: always(wasErased), reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)},
		"workflow_terminated":          {annotate: heartbeats, whenAnnotateRuns: terminate, reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)},
		"workflow_cancelled":           {annotate: heartbeats, whenAnnotateRuns: cancel, reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED)},
		"workflow_failed":              {presign: always(badImage), reached: hasEvent(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED)},
		"workflow_panicked": {panics: true, reached: func(e Execution) bool {
			return hasEvent(enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED)(e) && e.description.GetPendingWorkflowTask().GetAttempt() == 2
		}},
	}
}

func succeeds(context.Context) error { return nil }

func hangs(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func heartbeats(ctx context.Context) error {
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

func once(failure error, next func(context.Context) error) func(context.Context) error {
	failed := false
	return func(ctx context.Context) error {
		if !failed {
			failed = true
			return failure
		}
		return next(ctx)
	}
}

func activityError(kind picture.Kind, cloud picture.Cloud, message string, retryAfter time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, string(kind), temporal.ApplicationErrorOptions{
		NonRetryable: !kind.Retries(), NextRetryDelay: retryAfter, Details: []any{picture.FailureDetails{Cloud: cloud}},
	})
}

func hasEvent(want enumspb.EventType) func(Execution) bool {
	return func(e Execution) bool {
		return slices.ContainsFunc(e.history, func(event *historypb.HistoryEvent) bool { return event.EventType == want })
	}
}

func hasStartedWorkflowTask(e Execution) bool {
	return e.description.GetPendingWorkflowTask().GetState() == enumspb.PENDING_WORKFLOW_TASK_STATE_STARTED
}

func hasPending(name picture.StepName, state enumspb.PendingActivityState, attempt int32) func(Execution) bool {
	return func(e Execution) bool {
		latest := ""
		for _, event := range e.history {
			if a := event.GetActivityTaskScheduledEventAttributes(); a != nil {
				latest = a.ActivityId
			}
			if event.GetActivityTaskFailedEventAttributes() != nil {
				latest = "" // the next activity is not scheduled yet
			}
		}
		pending := e.description.GetPendingActivities()
		return len(pending) == 1 && pending[0].ActivityId == latest && pending[0].ActivityType.Name == string(name) &&
			pending[0].State == state && pending[0].Attempt == attempt
	}
}

func hasState(state enumspb.PendingActivityState) func(Execution) bool {
	return func(e Execution) bool {
		pending := e.description.GetPendingActivities()
		return len(pending) == 1 && pending[0].State == state
	}
}

func both(a, b func(Execution) bool) func(Execution) bool {
	return func(e Execution) bool { return a(e) && b(e) }
}

func recordScenarios(t *testing.T) {
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	c, err := client.Dial(client.Options{HostPort: *recordFrom, Identity: "recorder", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, s := range scenarios() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := s.record(ctx, c, name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cancel()
	}
}

func (s scenario) record(ctx context.Context, c client.Client, name string) error {
	id := picture.NewID(time.Now(), rand.Text())
	if !s.noWorker {
		w := worker.New(c, string(id), worker.Options{})
		s.register(w)
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop()
	}
	order := picture.Order{Picture: picture.Picture{
		ID: id, Bucket: "pictures", Key: "pictures/" + string(id) + ".jpg", VersionID: "v1", Size: 4096,
	}}
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id.WorkflowID(), TaskQueue: string(id)},
		picture.AnnotateWorkflow, order)
	if err != nil {
		return err
	}
	defer c.TerminateWorkflow(context.WithoutCancel(ctx), id.WorkflowID(), "", "recorded") // fails if it has ended
	annotateRuns := hasPending(picture.AnnotateStep, enumspb.PENDING_ACTIVITY_STATE_STARTED, 1)
	for poll := time.Tick(20 * time.Millisecond); ; <-poll {
		execution, err := Read(ctx, c, id.WorkflowID(), "", Execution{})
		if err != nil {
			return err
		}
		if s.whenAnnotateRuns != nil && annotateRuns(execution) {
			if err := s.whenAnnotateRuns(ctx, c, id.WorkflowID()); err != nil {
				return err
			}
			s.whenAnnotateRuns = nil
		}
		if s.reached(execution) {
			return save(name, execution)
		}
	}
}

func (s scenario) register(w worker.Worker) {
	w.RegisterWorkflowWithOptions(s.workflow, workflow.RegisterOptions{Name: picture.AnnotateWorkflow})
	for name, do := range map[string]func(context.Context) error{
		string(picture.PresignStep): s.presign, string(picture.AnnotateStep): s.annotate,
		string(picture.PersistStep): s.persist, picture.DiscardActivity: s.discard,
	} {
		if do == nil {
			do = succeeds
		}
		w.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name})
	}
}

// workflow imitates workflows.AnnotatePicture.
func (s scenario) workflow(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	if s.panics {
		panic("a bug")
	}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Hour}, // by default, no retry during the recording
	})
	if err := localFirst(ctx, string(picture.PresignStep)); err != nil {
		return picture.Outcome{}, err
	}
	google := ctx
	if s.annotateQueue != "" {
		google = workflow.WithTaskQueue(ctx, s.annotateQueue)
	}
	err := workflow.ExecuteActivity(google, string(picture.AnnotateStep)).Get(ctx, nil)
	if kindOf(err) == picture.Unfetchable {
		err = workflow.ExecuteActivity(google, string(picture.AnnotateStep)).Get(ctx, nil)
	}
	switch kind := kindOf(err); {
	case kind == picture.WasErased:
		return picture.Outcome{ID: order.ID, Status: picture.Erased}, localFirst(ctx, picture.DiscardActivity)
	case kind.Rejects():
		return picture.Outcome{ID: order.ID, Status: picture.Rejected}, localFirst(ctx, string(picture.PersistStep))
	case err != nil:
		return picture.Outcome{}, err
	}
	return picture.Outcome{ID: order.ID, Status: picture.Annotated}, localFirst(ctx, string(picture.PersistStep))
}

func localFirst(ctx workflow.Context, name string) error {
	if err := workflow.ExecuteLocalActivity(ctx, name).Get(ctx, nil); err == nil {
		return nil
	}
	return workflow.ExecuteActivity(ctx, name).Get(ctx, nil)
}

func kindOf(err error) picture.Kind {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return picture.Kind(failure.Type())
	}
	return ""
}

func save(name string, e Execution) error {
	parts := map[string]any{}
	for part, message := range map[string]proto.Message{"description": e.description, "history": &historypb.History{Events: e.history}} {
		raw, err := protojson.Marshal(message)
		if err != nil {
			return err
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return err
		}
		parts[part] = removeMachineData(value)
	}
	content, err := json.MarshalIndent(parts, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(recordingsDir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(recordingsDir, name+".json"), append(content, '\n'), 0o644)
}

func removeMachineData(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range []string{"stackTrace", "identity", "lastWorkerIdentity", "workerVersion", "binaryChecksum",
			"sdkMetadata", "meteringMetadata", "mostRecentWorkerVersionStamp", "lastWorkerDeploymentVersion"} {
			delete(value, key)
		}
		for key := range value {
			value[key] = removeMachineData(value[key])
		}
	case []any:
		for i := range value {
			value[i] = removeMachineData(value[i])
		}
	}
	return value
}
