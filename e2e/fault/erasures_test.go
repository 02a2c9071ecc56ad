package fault

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/local/stacktest"
	"triptych/picture"
)

// erasures come at every moment of a picture's way. Each ends in a tombstone, whatever comes late.
var erasures = []fault{
	{name: "erased_before_it_is_uploaded_it_is_never_shown_to_Google", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.erase(t)
		s.done(t, picture.DeleteObjectActivity)
		s.upload(t) // its grant has not expired
		s.happens(t, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
		s.stays(t, 0)
	}},
	{name: "erased_while_Google_looks_it_stays_erased", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		var again atomic.Int64
		s.google(annotator.Fault{OnMatch: func() { again.Add(1) }})
		s.erase(t)
		s.done(t, picture.DeleteObjectActivity)
		held.release()
		s.stays(t, 0, 1) // it may have had its answer, and be paid for it
		if n := again.Load(); n != 0 {
			t.Errorf("Google was shown it %d times more", n)
		}
	}},
	{name: "erased_while_Google_is_waited_for_it_is_never_shown_again", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		s.erase(t)
		s.done(t, picture.DeleteObjectActivity)
		s.google(annotator.Fault{})
		s.stays(t, 0)
	}},
	{name: "erased_in_the_Cosmos_write_it_stays_erased", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		s.erase(t)
		s.done(t, picture.WriteTombstoneActivity)
		held.release() // the write comes too late
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "erased_while_Cosmos_DB_is_waited_for_it_is_erased_once_that_is_back", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.azure(cosmosdb.Fault{Method: http.MethodPost, Status: 503})
		s.upload(t)
		s.waits(t, waiting{picture.PersistStep, picture.Unavailable, "unavailable"})
		s.erase(t)
		s.burying(t, picture.WriteTombstoneActivity, "Cosmos DB is unavailable")
		s.azure(cosmosdb.Fault{Method: http.MethodPost})
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "erased_after_the_Record_it_leaves_a_tombstone_and_no_object", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		s.ends(t, annotated)
		if status, err := s.site.Erase(patient(t), s.ID, "wrong"); err != nil || status != http.StatusForbidden {
			t.Errorf("a wrong token was answered %d, %v", status, err)
		}
		s.ends(t, annotated) // and has changed nothing
		s.erase(t)
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "erased_while_its_Record_is_replaced_it_stays_erased", run: func(t *testing.T, p *wholeStack) {
		s, held := heldInItsReplacement(t, p)
		s.erase(t)
		s.done(t, picture.WriteTombstoneActivity)
		held.release() // the replacement comes too late
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 2)
	}},
	{name: "a_412_of_Cosmos_DB_has_the_tombstone_written_again", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		s.ends(t, annotated)
		s.azure(cosmosdb.Fault{Method: http.MethodPut, Status: 412, Times: 2})
		s.erase(t)
		s.burying(t, picture.WriteTombstoneActivity, "changed meanwhile")
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "an_S3_that_is_down_has_the_object_deleted_later", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		s.ends(t, annotated)
		s.aws(t, `,"status":503,"code":"ServiceUnavailable","operations":["DeleteObject"]`)
		s.erase(t)
		s.burying(t, picture.DeleteObjectActivity, "S3 is unavailable")
		s.aws(t, "")
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "a_rejected_picture_can_be_erased", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.google(annotator.Fault{ImageCode: codes.InvalidArgument})
		s.bytes(annotator.Fault{ImageCode: codes.InvalidArgument})
		s.upload(t)
		s.ends(t, ending{status: picture.Rejected, kind: picture.BadImage, shown: 2})
		s.erase(t)
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 0)
	}},
}

// erase asks for it with the owner's token.
func (s *shot) erase(t *testing.T) {
	t.Helper()
	status, err := s.site.Erase(patient(t), s.ID, s.EraseToken)
	if err != nil || status != http.StatusAccepted {
		t.Fatalf("the erasure was answered %d, %v", status, err)
	}
}

// done returns once the erasure has done that.
func (s *shot) done(t *testing.T, activity string) {
	t.Helper()
	scheduled := map[int64]string{}
	events := s.temporal.GetWorkflowHistory(patient(t), s.ID.EraseWorkflowID(), "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			scheduled[e.EventId] = a.ActivityType.Name
		}
		if a := e.GetActivityTaskCompletedEventAttributes(); a != nil && scheduled[a.ScheduledEventId] == activity {
			return
		}
	}
	t.Fatalf("the erasure ended without %s", activity)
}

// burying waits until the erasure waits for that, and says why.
func (s *shot) burying(t *testing.T, activity, says string) {
	t.Helper()
	var pending []*workflowpb.PendingActivityInfo
	waits := func(ctx context.Context) bool {
		told, err := s.temporal.DescribeWorkflowExecution(ctx, s.ID.EraseWorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		pending = told.PendingActivities
		return len(pending) == 1 && pending[0].ActivityType.GetName() == activity && strings.Contains(pending[0].LastFailure.GetMessage(), says)
	}
	if !stacktest.Eventually(t, waits) {
		t.Fatalf("the erasure does not wait for %s: %v", activity, pending)
	}
}

// stays wants the tombstone to stay, whatever comes late, and Google to have been paid one of so many times.
func (s *shot) stays(t *testing.T, bills ...int) {
	t.Helper()
	s.buried(t, bills)
	const deleted = "01ARZ3NDEKTSV4RRFFQ69G5FAV" // a version, as the local S3 names them
	s.deliver(t, s.event(t, deleted, int64(len(s.photo))))
	s.buried(t, bills)
}

// buried wants nothing of the picture but its tombstone, and nothing under way but the second deletion.
func (s *shot) buried(t *testing.T, bills []int) {
	t.Helper()
	kept, _, err := s.records.Read(patient(t), s.ID)
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		t.Fatal(err)
	}
	if kept.Status != picture.Erased || kept.Key != "" || kept.Annotation != nil {
		t.Errorf("kept of it: %+v", kept)
	}
	settled, err := s.site.Follow(patient(t), s.ID, func(picture.Progress) {})
	if err != nil || settled.Status != picture.Erased {
		t.Errorf("the site tells of the status %s, %v", settled.Status, err)
	}
	// Its run, or what a late event made of it, has ended; if that was before, as it had.
	err = s.temporal.GetWorkflow(patient(t), s.ID.WorkflowID(), "").Get(patient(t), nil)
	if _, terminated := errors.AsType[*temporal.TerminatedError](err); err != nil && !terminated {
		t.Errorf("the run ended with %v", err)
	}
	prefix := picture.Prefix + string(s.ID)
	left, err := s.bucket.ListObjectVersions(patient(t), &s3.ListObjectVersionsInput{Bucket: &s.Endpoints.Bucket, Prefix: &prefix})
	if err != nil || len(left.Versions)+len(left.DeleteMarkers) != 0 {
		t.Errorf("S3 still has %d versions of it, %v", len(left.Versions)+len(left.DeleteMarkers), err)
	}
	if n := s.bills(t); !slices.Contains(bills, n) {
		t.Errorf("Google was paid %d times, want %v", n, bills)
	}
}
