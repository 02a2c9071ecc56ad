package privacy

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/internal/pipeline"
	"triptych/internal/status"
	"triptych/picture"
)

func TestEncryption(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	without, err := client.Dial(client.Options{HostPort: env.Endpoints.Temporal, Logger: testenv.NoLog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(without.Close)
	newKey := make([]byte, 32)
	rand.Read(newKey)
	rotatedKeys := "new:" + base64.StdEncoding.EncodeToString(newKey) + "," + env.Endpoints.PayloadKeys
	rotated := testenv.Dial(t, env.Endpoints.Temporal, rotatedKeys)

	annotated := env.PutObject(t, "encrypted/me.jpg", testenv.Portrait(t))
	t.Run("failure_of_a_pending_activity_is_readable_only_with_the_key", func(t *testing.T) {
		env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		startPicture(t, env.Temporal, annotated)
		awaitFailure(t, env.Temporal, annotated, "Cloud Vision is unavailable")
		checkContents(t, describe(t, env.Temporal, annotated), false)
		checkContents(t, describe(t, without, annotated), true)
		env.Vision.SetFault(annotator.Fault{})
		awaitAnnotated(t, env, annotated)
	})
	contents := []string{"X-Amz-Signature", "faceAnnotations", annotated.Key} // presigned URL, annotation, input
	t.Run("history_is_readable_only_with_the_key", func(t *testing.T) {
		encrypted := checkContents(t, history(t, without, annotated), true)
		decrypted := checkContents(t, history(t, env.Temporal, annotated), false)
		for _, secret := range contents {
			if strings.Contains(encrypted, secret) || !strings.Contains(decrypted, secret) {
				t.Errorf("%s is in the history without the key: %v, with the key: %v", secret, strings.Contains(encrypted, secret), strings.Contains(decrypted, secret))
			}
		}
	})
	t.Run("old_key_still_decrypts_after_a_rotation", func(t *testing.T) {
		if !proto.Equal(history(t, rotated, annotated), history(t, env.Temporal, annotated)) {
			t.Error("the history differs with a new first key")
		}
	})
	t.Run("repeated_call_is_encrypted_once", func(t *testing.T) {
		address, failures := serveFailingProxy(t, env.Endpoints.Temporal)
		id := "repeated-call"
		_, err := testenv.Dial(t, address, env.Endpoints.PayloadKeys).ExecuteWorkflow(testenv.Context(t), client.StartWorkflowOptions{ID: id, TaskQueue: "without-worker"}, "None", "the input")
		if err != nil || failures.Load() != 1 {
			t.Fatalf("%v after %d failures", err, failures.Load())
		}
		events := env.Temporal.GetWorkflowHistory(testenv.Context(t), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		started, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if input := started.GetWorkflowExecutionStartedEventAttributes().GetInput(); len(input.GetPayloads()) != 1 || string(input.Payloads[0].Data) != `"the input"` {
			t.Errorf("the input is %v", input)
		}
	})
	t.Run("workflow_with_a_plain_input_is_refused", func(t *testing.T) {
		id := annotated.ID.EraseWorkflowID()
		if _, err := without.ExecuteWorkflow(testenv.Context(t), client.StartWorkflowOptions{ID: id, TaskQueue: picture.PicturesQueue}, picture.EraseWorkflow, string(annotated.ID)); err != nil {
			t.Fatal(err)
		}
		var reason string
		if !stacktest.Eventually(t, func(ctx context.Context) bool {
			reason = taskFailure(ctx, env.Temporal, id)
			return strings.Contains(reason, "start the workflow through the codec")
		}) {
			t.Errorf("the workflow task failed with %q", reason)
		}
		awaitAnnotated(t, env, annotated) // its Record is unchanged
		if err := env.Temporal.TerminateWorkflow(testenv.Context(t), id, "", "end of the test"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("message_of_a_plain_failure_reaches_neither_the_page_nor_the_Record", func(t *testing.T) {
		called := make(chan bool, 1)
		env.Vision.SetFault(annotator.Fault{Delay: time.Minute, Times: 1, OnMatch: func() { called <- true }})
		p := env.PutObject(t, "encrypted/plain-failure.jpg", testenv.Portrait(t))
		startPicture(t, env.Temporal, p)
		<-called
		pending := env.AwaitAnnotate(t, p.ID, func(*workflowpb.PendingActivityInfo) bool { return true })
		plain := temporal.NewNonRetryableApplicationError("sign in at https://elsewhere.example", string(picture.BadImage), nil)
		if err := without.CompleteActivityByID(testenv.Context(t), client.DefaultNamespace, p.ID.WorkflowID(), "", pending.ActivityId, nil, plain); err != nil {
			t.Fatal(err)
		}
		env.AwaitWorkflowEnd(t, p.ID, "")
		execution, err := status.Read(testenv.Context(t), env.Temporal, p.ID.WorkflowID(), "", status.Execution{})
		if err != nil {
			t.Fatal(err)
		}
		const want = "The message is not encrypted with a known payload key"
		shown, stored := execution.Progress(p.ID).Steps[1].Error, env.Record(t, p.ID).Rejection
		if shown != want || stored == nil || stored.Message != want {
			t.Errorf("the page shows %q, the Record contains %+v", shown, stored)
		}
	})
	t.Run("picture_waits_for_a_worker_with_its_key_and_the_history_says_why", func(t *testing.T) {
		p := env.PutObject(t, "encrypted/new-key.jpg", testenv.Portrait(t))
		startPicture(t, rotated, p) // the stack's worker does not have this key
		var shown, reason string
		explained := func(ctx context.Context) bool {
			execution, err := status.Read(ctx, env.Temporal, p.ID.WorkflowID(), "", status.Execution{})
			if err == nil {
				shown = execution.Progress(p.ID).Steps[0].Error
			}
			reason = taskFailure(ctx, env.Temporal, p.ID.WorkflowID())
			return shown == "The worker cannot continue" && strings.Contains(reason, `no key "new"`)
		}
		if !stacktest.Eventually(t, explained) {
			t.Fatalf("the page shows %q, the history %q", shown, reason)
		}
		env.StopProgram("worker")
		env.StartProgram("worker-with-the-new-key", "worker", []string{"TRIPTYCH_PAYLOAD_KEYS=" + rotatedKeys})
		awaitAnnotated(t, env, p)
	})
	t.Run("picture_in_progress_survives_a_worker_that_lacks_its_key", func(t *testing.T) {
		p := env.PutObject(t, "encrypted/in-progress.jpg", testenv.Portrait(t))
		env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		startPicture(t, rotated, p)
		awaitFailure(t, rotated, p, "Cloud Vision is unavailable")
		restart := env.StopProgram("worker-with-the-new-key")
		otherKeys := "other:" + base64.StdEncoding.EncodeToString(make([]byte, 32))
		env.StartProgram("worker-with-another-key", "worker", []string{"TRIPTYCH_PAYLOAD_KEYS=" + otherKeys})
		awaitFailure(t, testenv.Dial(t, env.Endpoints.Temporal, otherKeys), p, `no key "new"`)
		env.StopProgram("worker-with-another-key")
		env.Vision.SetFault(annotator.Fault{})
		restart()
		awaitAnnotated(t, env, p)
	})
}

func taskFailure(ctx context.Context, c client.Client, workflowID string) (message string) {
	events := c.GetWorkflowHistory(ctx, workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err.Error()
		}
		if failed := event.GetWorkflowTaskFailedEventAttributes(); failed != nil {
			message = failed.GetFailure().GetMessage()
		}
	}
	return message
}

func awaitFailure(t *testing.T, c client.Client, p picture.Picture, message string) {
	t.Helper()
	var last *failurepb.Failure
	failed := func(ctx context.Context) bool {
		d, err := c.DescribeWorkflowExecution(ctx, p.ID.WorkflowID(), "")
		if err == nil && len(d.PendingActivities) == 1 {
			last = d.PendingActivities[0].LastFailure
		}
		return strings.Contains(last.GetMessage(), message)
	}
	if !stacktest.Eventually(t, failed) {
		t.Fatalf("the last failure is %v, want %s", last, message)
	}
}

func startPicture(t *testing.T, c client.Client, p picture.Picture) {
	t.Helper()
	if err := pipeline.Start(testenv.Context(t), c, picture.Order{Picture: p}, pipeline.LivePriority); err != nil {
		t.Fatal(err)
	}
}

func awaitAnnotated(t *testing.T, env *testenv.Env, p picture.Picture) {
	t.Helper()
	written := func(ctx context.Context) bool {
		record, _, err := env.Records.Read(ctx, p.ID)
		return err == nil && record.Status == picture.Annotated
	}
	if !stacktest.Eventually(t, written) {
		t.Fatal("the picture has no Record")
	}
}

func describe(t *testing.T, c client.Client, p picture.Picture) proto.Message {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(testenv.Context(t), p.ID.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func history(t *testing.T, c client.Client, p picture.Picture) *historypb.History {
	t.Helper()
	h := &historypb.History{}
	for events := c.GetWorkflowHistory(testenv.Context(t), p.ID.WorkflowID(), "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, event)
	}
	return h
}

func checkContents(t *testing.T, m proto.Message, wantEncrypted bool) string {
	t.Helper()
	var text strings.Builder
	var encodings []string
	err := proxy.VisitPayloads(t.Context(), m, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range payloads {
				encodings = append(encodings, string(p.Metadata["encoding"]))
				text.Write(p.Data)
			}
			return payloads, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = proxy.VisitFailures(t.Context(), m, proxy.VisitFailuresOptions{
		Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
			text.WriteString(f.Message + f.StackTrace)
			if encrypted := f.Message == "Encoded failure" && f.StackTrace == ""; encrypted != wantEncrypted {
				t.Errorf("failure %v, want encrypted: %v", f, wantEncrypted)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	isEncrypted := func(encoding string) bool { return encoding == "binary/encrypted" }
	isPlain := func(encoding string) bool { return !isEncrypted(encoding) }
	if len(encodings) == 0 || wantEncrypted && slices.ContainsFunc(encodings, isPlain) || !wantEncrypted && slices.ContainsFunc(encodings, isEncrypted) {
		t.Errorf("the payloads have the encodings %v, want encrypted: %v", encodings, wantEncrypted)
	}
	return text.String()
}

// serveFailingProxy forwards all calls to Temporal, except that the first StartWorkflowExecution fails.
func serveFailingProxy(t *testing.T, temporal string) (address string, failures *atomic.Int32) {
	t.Helper()
	failures = new(atomic.Int32)
	address = testenv.ServeProxy(t, temporal, func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if _, ok := req.(*workflowservice.StartWorkflowExecutionRequest); ok && failures.CompareAndSwap(0, 1) {
			return nil, grpcstatus.Error(codes.Unavailable, "the first call fails")
		}
		return next(ctx, req)
	})
	return address, failures
}
