package fault

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

// These tests do not run in parallel: requests that list objects have no key, so their faults affect all pictures.
var throttledListings = []faultCase{
	{name: "sweep_continues_after_S3_SlowDown_for_a_listing", run: func(t *testing.T, s *suite) {
		p := s.uploadWithoutEvent(t)
		s.InjectS3Fault(t, `{"status":503,"code":"SlowDown","operations":["ListObjectsV2"]}`)
		defer s.InjectS3Fault(t, `{}`)
		sweep := s.Temporal.ScheduleClient().GetHandle(testenv.Context(t), "sweep")
		if err := sweep.Trigger(testenv.Context(t), client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}); err != nil {
			t.Fatal(err)
		}
		s.awaitSweepRetry(t, sweep, "slow down")
		s.InjectS3Fault(t, `{}`)
		p.awaitOutcome(t, annotated)
	}},
	{name: "erasure_continues_after_S3_SlowDown_for_a_listing", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitOutcome(t, annotated)
		s.InjectS3Fault(t, `{"status":503,"code":"SlowDown","operations":["ListObjectVersions"]}`)
		defer s.InjectS3Fault(t, `{}`)
		p.requestErasure(t)
		p.awaitErasureRetry(t, picture.DeleteObjectActivity, "slow down")
		s.InjectS3Fault(t, `{}`)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
}

func (s *suite) awaitSweepRetry(t *testing.T, sweep client.ScheduleHandle, message string) {
	t.Helper()
	var pending []*workflowpb.PendingActivityInfo
	retrying := func(ctx context.Context) bool {
		schedule, err := sweep.Describe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(schedule.Info.RunningWorkflows) != 1 {
			return false
		}
		description, err := s.Temporal.DescribeWorkflowExecution(ctx, schedule.Info.RunningWorkflows[0].WorkflowID, "")
		if err != nil {
			t.Fatal(err)
		}
		pending = description.PendingActivities
		return len(pending) == 1 && pending[0].ActivityType.GetName() == picture.SweepPageActivity && strings.Contains(pending[0].LastFailure.GetMessage(), message)
	}
	if !stacktest.Eventually(t, retrying) {
		t.Fatalf("the sweep does not retry %s: pending activities %v", picture.SweepPageActivity, pending)
	}
}

var s3Semantics = []faultCase{
	{name: "upload_that_S3_refuses_with_409_is_stored_by_a_retry", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.setS3Fault(t, conflictOnce)
		p.uploadAfterConflict(t)
		p.awaitOutcome(t, annotated)
	}},
	{name: "upload_that_S3_refuses_with_409_after_an_erasure_stays_erased", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.setS3Fault(t, conflictOnce)
		p.uploadAfterConflict(t)
		p.awaitEvent(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		p.checkStaysErased(t, 0)
	}},
	{name: "missing_object_waits_for_the_permission_to_list_and_is_then_rejected_as_gone", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setS3Fault(t, `,"events":"drop","hideMissing":true`)
		p.upload(t)
		object := p.LatestVersion(t, p.ID)
		if _, err := s.Bucket.DeleteObject(testenv.Context(t), &s3.DeleteObjectInput{Bucket: &object.Bucket, Key: &object.Key, VersionId: &object.VersionID}); err != nil {
			t.Fatal(err)
		}
		p.InvokeTrigger(t, testenv.S3Event(t, object))
		pending := p.awaitRetry(t, stepFailure{picture.AnnotateStep, picture.Forbidden, "s3:ListBucket"})
		p.setS3Fault(t, "")
		p.ResetActivity(t, p.ID, pending)
		p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.Gone, wantAnnotateCalls: 2})
	}},
	{name: "object_of_an_erased_picture_is_deleted_after_S3_SlowDown", run: func(t *testing.T, s *suite) {
		s.eraseDuringS3Error(t, "SlowDown", "slow down")
	}},
	{name: "S3_event_that_S3_sends_twice_starts_one_workflow", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.setS3Fault(t, `,"events":"duplicate"`)
		p.upload(t)
		p.awaitEvents(t, 2)
		p.awaitOutcome(t, annotated)
	}},
	{name: "late_S3_event_of_an_annotated_picture_starts_no_workflow", run: func(t *testing.T, s *suite) {
		p, release := s.annotateBeforeItsEvent(t)
		first := p.awaitOutcome(t, annotated)
		release()
		if second := p.awaitOutcome(t, annotated); second.RunID != first.RunID {
			t.Error("a second workflow run wrote the Record")
		}
	}},
	{name: "late_S3_event_of_an_erased_picture_does_not_restore_it", run: func(t *testing.T, s *suite) {
		p, release := s.annotateBeforeItsEvent(t)
		p.awaitOutcome(t, annotated)
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		release()
		p.awaitEvent(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		p.checkStaysErased(t, 1)
	}},
	{name: "first_S3_event_of_a_picture_that_was_erased_before_does_not_send_it_to_Google", run: func(t *testing.T, s *suite) {
		p, release := s.uploadWithHeldEvent(t)
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		release()
		p.awaitEvent(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		p.checkStaysErased(t, 0)
	}},
}

// AWS sends 409 if a deletion of the key succeeds during a conditional write:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
const conflictOnce = `,"status":409,"code":"ConditionalRequestConflict","operations":["PutObject"],"times":1`

func (p *testPicture) uploadAfterConflict(t *testing.T) {
	t.Helper()
	if status := testenv.Put(t, p.Grant, p.photo); status != http.StatusConflict {
		t.Fatalf("the first upload returned status %d, want 409", status)
	}
	p.upload(t)
}

func (s *suite) uploadWithHeldEvent(t *testing.T) (p *testPicture, release func()) {
	t.Helper()
	p = s.newStubbedPicture(t)
	p.setS3Fault(t, `,"events":"hold"`)
	p.upload(t)
	return p, func() {
		t.Helper()
		before := p.countEvents(t)
		p.setS3Fault(t, "")
		p.awaitEvents(t, before+1)
	}
}

// annotateBeforeItsEvent starts the picture with another delivery of the event that S3 still holds.
func (s *suite) annotateBeforeItsEvent(t *testing.T) (p *testPicture, release func()) {
	t.Helper()
	p, release = s.uploadWithHeldEvent(t)
	p.InvokeTrigger(t, testenv.S3Event(t, p.LatestVersion(t, p.ID)))
	return p, release
}

// The trigger logs each event that it has handled.
func (p *testPicture) countEvents(t *testing.T) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(p.readLog(t, "trigger")) {
		if strings.Contains(line, `"started"`) && strings.Contains(line, string(p.ID)) {
			n++
		}
	}
	return n
}

func (p *testPicture) awaitEvents(t *testing.T, n int) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool { return p.countEvents(t) >= n }) {
		t.Fatalf("the trigger handled %d events of the picture, want %d", p.countEvents(t), n)
	}
}
