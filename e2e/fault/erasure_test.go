package fault

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

var erasures = []faultCase{
	{name: "picture_erased_before_its_upload_is_never_sent_to_Google", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.upload(t) // the grant is still valid
		p.awaitEvent(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		p.checkStaysErased(t, 0)
	}},
	{name: "picture_erased_during_the_Vision_call_stays_erased", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		var laterCalls atomic.Int64
		p.setVisionFault(annotator.Fault{OnMatch: func() { laterCalls.Add(1) }})
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		blocker.release()
		p.checkStaysErased(t, 0, 1) // Google charges if the call completes before it is cancelled
		if n := laterCalls.Load(); n != 0 {
			t.Errorf("the picture was sent to Google %d more times", n)
		}
	}},
	{name: "picture_erased_while_Vision_is_down_is_not_sent_to_Google_again", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.setVisionFault(annotator.Fault{})
		p.checkStaysErased(t, 0)
	}},
	{name: "picture_erased_during_the_Cosmos_write_stays_erased", run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		p.requestErasure(t)
		p.awaitErasure(t, picture.WriteTombstoneActivity)
		blocker.release() // Cosmos DB executes the write after the tombstone exists
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
	{name: "picture_erased_while_Cosmos_DB_is_down_is_erased_when_it_is_back", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPost, Status: 503})
		p.upload(t)
		p.awaitRetry(t, stepFailure{picture.PersistStep, picture.Unavailable, "unavailable"})
		p.requestErasure(t)
		p.awaitErasureRetry(t, picture.WriteTombstoneActivity, "Cosmos DB is unavailable")
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPost})
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
	{name: "annotated_picture_is_erased_with_its_erase_token_only", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitOutcome(t, annotated)
		if status := p.Erase(t, p.Link, "wrong"); status != http.StatusForbidden {
			t.Errorf("the request with a wrong token returned status %d, want 403", status)
		}
		p.awaitOutcome(t, annotated) // the wrong token changed nothing
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
	{name: "picture_erased_during_the_replacement_of_its_Record_stays_erased", run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosReplace(t, s)
		p.requestErasure(t)
		p.awaitErasure(t, picture.WriteTombstoneActivity)
		blocker.release() // Cosmos DB executes the replacement after the tombstone exists
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 2)
	}},
	{name: "Cosmos_DB_status_412_for_a_tombstone_is_retried", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitOutcome(t, annotated)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPut, Status: 412, Times: 2})
		p.requestErasure(t)
		p.awaitErasureRetry(t, picture.WriteTombstoneActivity, "changed concurrently")
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
	{name: "object_of_an_erased_picture_is_deleted_when_S3_is_back", run: func(t *testing.T, s *suite) {
		s.eraseDuringS3Error(t, "ServiceUnavailable", "S3 is unavailable")
	}},
	{name: "rejected_picture_can_be_erased", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setVisionFault(annotator.Fault{ImageCode: codes.InvalidArgument})
		p.setVisionBytesFault(annotator.Fault{ImageCode: codes.InvalidArgument})
		p.upload(t)
		p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.BadImage, wantAnnotateCalls: 2})
		p.requestErasure(t)
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 0)
	}},
}

func (p *testPicture) requestErasure(t *testing.T) {
	t.Helper()
	if status := p.Erase(t, p.Link, p.EraseToken); status != http.StatusAccepted {
		t.Fatalf("the erase request returned status %d, want 202", status)
	}
}

func (p *testPicture) awaitErasure(t *testing.T, activity string) {
	t.Helper()
	p.AwaitActivity(t, p.ID.EraseWorkflowID(), activity)
}

func (p *testPicture) awaitErasureRetry(t *testing.T, activity, message string) {
	t.Helper()
	var pending []*workflowpb.PendingActivityInfo
	retrying := func(ctx context.Context) bool {
		description, err := p.Temporal.DescribeWorkflowExecution(ctx, p.ID.EraseWorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		pending = description.PendingActivities
		return len(pending) == 1 && pending[0].ActivityType.GetName() == activity && strings.Contains(pending[0].LastFailure.GetMessage(), message)
	}
	if !stacktest.Eventually(t, retrying) {
		t.Fatalf("the erase workflow does not retry %s: pending activities %v", activity, pending)
	}
}

// checkStaysErased sends a late S3 event, which must not restore the picture.
func (p *testPicture) checkStaysErased(t *testing.T, allowedBills ...int) {
	t.Helper()
	p.checkErased(t, allowedBills)
	const deletedVersion = "01ARZ3NDEKTSV4RRFFQ69G5FAV" // a valid version ID of the S3 emulator
	p.InvokeTrigger(t, testenv.S3Event(t, picture.Picture{Bucket: p.Endpoints.Bucket, Key: testenv.Key(t, p.ID), VersionID: deletedVersion,
		ETag: "0123456789abcdef0123456789abcdef", Size: int64(len(p.photo)), UploadedAt: time.Now()}))
	p.checkErased(t, allowedBills)
}

func (p *testPicture) checkErased(t *testing.T, allowedBills []int) {
	t.Helper()
	record, _, err := p.Records.Read(testenv.Context(t), p.ID)
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		t.Fatal(err)
	}
	if record.Status != picture.Erased || record.Key != "" || record.Annotation != nil {
		t.Errorf("the Record is %+v, want a tombstone", record)
	}
	if final := p.Follow(t, p.Link); final.Status != picture.Erased {
		t.Errorf("the site shows status %s, want %s", final.Status, picture.Erased)
	}
	err = p.Temporal.GetWorkflow(testenv.Context(t), p.ID.WorkflowID(), "").Get(testenv.Context(t), nil)
	_, terminated := errors.AsType[*temporal.TerminatedError](err)
	_, deleted := errors.AsType[*serviceerror.NotFound](err)
	if err != nil && !terminated && !deleted {
		t.Errorf("the workflow ended with %v", err)
	}
	p.CheckNoObject(t, p.ID)
	if n := p.countBills(t); !slices.Contains(allowedBills, n) {
		t.Errorf("Google charged %d times, want one of %v", n, allowedBills)
	}
}

func (s *suite) eraseDuringS3Error(t *testing.T, code, message string) {
	t.Helper()
	p := s.newStubbedPicture(t)
	p.upload(t)
	p.awaitOutcome(t, annotated)
	p.setS3Fault(t, `,"status":503,"code":"`+code+`","operations":["DeleteObject"]`)
	p.requestErasure(t)
	p.awaitErasureRetry(t, picture.DeleteObjectActivity, message)
	p.setS3Fault(t, "")
	p.awaitErasure(t, picture.DeleteHistoryActivity)
	p.checkStaysErased(t, 1)
}
