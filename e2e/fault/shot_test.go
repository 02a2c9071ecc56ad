package fault

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/siteclient"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/local/stacktest"
	"triptych/picture"
)

// shot is one picture, which has its own faults.
type shot struct {
	*wholeStack
	siteclient.Grant
	photo []byte
}

// ask gets a grant for the photo, so that its faults can be set before it is uploaded.
func (p *wholeStack) ask(t *testing.T, photo []byte) *shot {
	t.Helper()
	g, err := p.site.Ask(patient(t), photo)
	if err != nil {
		t.Fatal(err)
	}
	return &shot{p, g, photo}
}

// easy gets a grant for a portrait that Google says nothing of, and that at once. To look takes seconds on a busy machine,
// which is for the cases of what is to be seen.
func (p *wholeStack) easy(t *testing.T) *shot {
	t.Helper()
	s := p.ask(t, portrait(t))
	s.google(atOnce)
	return s
}

var (
	nothing = &visionpb.AnnotateImageResponse{}
	atOnce  = annotator.Fault{Response: nothing}
)

// take uploads the photo.
func (p *wholeStack) take(t *testing.T, photo []byte) *shot {
	t.Helper()
	s := p.ask(t, photo)
	s.upload(t)
	return s
}

func (s *shot) upload(t *testing.T) {
	t.Helper()
	status, err := s.Put(patient(t), s.photo)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the upload was answered %d, %v", status, err)
	}
}

// google makes Google's answers about the picture's URL go wrong, bytes those about its bytes.
func (s *shot) google(f annotator.Fault) {
	f.Only = string(s.ID)
	s.Vision.SetFault(f)
}

func (s *shot) bytes(f annotator.Fault) {
	f.Only = string(s.photo[max(0, len(s.photo)-100):])
	s.Vision.SetFault(f)
}

// azure makes answers about the picture's Record go wrong.
func (s *shot) azure(f cosmosdb.Fault) {
	f.Only = string(s.ID)
	s.Cosmos.SetFault(f)
}

// aws makes requests about the picture's object go wrong; the rest of the fault is as local/s3 takes it.
func (s *shot) aws(t *testing.T, rest string) {
	t.Helper()
	if err := s.SetS3Fault(patient(t), `{"only":"`+string(s.ID)+`"`+rest+`}`); err != nil {
		t.Fatal(err)
	}
}

// waiting is what a picture waits for: the step that is tried again, why, and a part of the sentence that says so.
type waiting struct {
	step picture.StepName
	kind picture.Kind
	says string
}

// waits returns once the site tells that the step is tried again, and wants Temporal to tell the same.
func (s *shot) waits(t *testing.T, w waiting) *workflowpb.PendingActivityInfo {
	t.Helper()
	step := s.seen(t, w.step, func(step picture.Step) bool {
		return step.Status == picture.StepRetrying && step.Attempt >= 2
	})
	for _, pending := range s.describe(t).PendingActivities {
		failure := pending.LastFailure
		if pending.ActivityType.GetName() != string(w.step) {
			continue
		}
		if kind := kindOf(failure); kind != w.kind || !strings.Contains(failure.GetMessage(), w.says) || pending.Attempt < 2 {
			t.Errorf("Temporal tells of attempt %d after %s %q, want %s %q", pending.Attempt, kind, failure.GetMessage(), w.kind, w.says)
		}
		if step.Error != failure.GetMessage() {
			t.Errorf("the site says %q, Temporal %q", step.Error, failure.GetMessage())
		}
		return pending
	}
	t.Fatalf("%s is not pending", w.step)
	return nil
}

// seen follows the picture on the site until its step is as wanted.
func (s *shot) seen(t *testing.T, name picture.StepName, want func(picture.Step) bool) (found picture.Step) {
	t.Helper()
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	last, err := s.site.Follow(ctx, s.ID, func(p picture.Progress) {
		i := slices.Index(picture.StepOrder[:], name)
		if want(p.Steps[i]) && found.Name == "" {
			found = p.Steps[i]
			cancel()
		}
	})
	if found.Name == "" {
		t.Fatalf("the site never told it of %s: %v, %+v", name, err, last)
	}
	return found
}

func (s *shot) describe(t *testing.T) *workflowservice.DescribeWorkflowExecutionResponse {
	t.Helper()
	told, err := s.temporal.DescribeWorkflowExecution(patient(t), s.ID.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// hurry is what an operator does once the cause is mended: temporal activity reset.
func (s *shot) hurry(t *testing.T, pending *workflowpb.PendingActivityInfo) {
	t.Helper()
	_, err := s.temporal.WorkflowService().ResetActivity(patient(t), &workflowservice.ResetActivityRequest{
		Namespace: client.DefaultNamespace, Execution: s.describe(t).WorkflowExecutionInfo.Execution,
		Activity: &workflowservice.ResetActivityRequest_Id{Id: pending.ActivityId},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ending is what is to come of a picture.
type ending struct {
	status picture.Status
	kind   picture.Kind // why it was rejected
	bills  int          // how often Google was paid
	again  bool         // or once more, if what it had answered got lost
	shown  int          // how often Google was to be shown it: once by URL, twice when then by bytes; 0 for whatever
}

var annotated = ending{status: picture.Annotated, bills: 1, shown: 1}

// ends waits for the picture's end and checks what every picture is promised: one Record, no open run, no bill too many.
func (s *shot) ends(t *testing.T, want ending) picture.Record {
	t.Helper()
	settled, err := s.site.Follow(patient(t), s.ID, func(picture.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	if settled.Status != want.status {
		t.Errorf("the site tells of the status %s, want %s: %+v", settled.Status, want.status, settled.Steps)
	}
	run := s.closed(t, want.status)
	kept, _, err := s.records.Read(patient(t), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Status != want.status || kept.RunID != run {
		t.Errorf("the Record is of status %s and run %s, want %s and %s", kept.Status, kept.RunID, want.status, run)
	}
	if why := kept.Rejection; why == nil && want.kind != "" || why != nil && why.Kind != want.kind {
		t.Errorf("the Record says %+v, want %q", why, want.kind)
	}
	if n := s.bills(t); n != want.bills && !(want.again && n == want.bills+1) {
		t.Errorf("Google was paid %d times, want %d", n, want.bills)
	}
	if n := len(s.scheduled(t, picture.AnnotateStep)); want.shown != 0 && n != want.shown {
		t.Errorf("annotate was scheduled %d times, want %d", n, want.shown)
	}
	return kept
}

// closed waits for the end of the picture's run, which may come after the Record, and returns its ID.
func (s *shot) closed(t *testing.T, status picture.Status) string {
	t.Helper()
	run := s.temporal.GetWorkflow(patient(t), s.ID.WorkflowID(), "")
	var outcome picture.Outcome
	err := run.Get(patient(t), &outcome)
	if err != nil || outcome.Status != status {
		t.Errorf("the run ended %s, %v", outcome.Status, err)
	}
	return run.GetRunID()
}

// bills is how often Google was paid for the picture.
func (s *shot) bills(t *testing.T) int {
	t.Helper()
	return s.wholeStack.bills(t, annotator.Identity([]byte("/"+s.Endpoints.Bucket+"/"+s.key(t))), annotator.Identity(s.photo))
}

// kept waits until Cosmos DB has the picture's Record.
func (s *shot) kept(t *testing.T) (kept picture.Record) {
	t.Helper()
	there := func(ctx context.Context) bool {
		var err error
		if kept, _, err = s.records.Read(ctx, s.ID); err != nil && !errors.Is(err, records.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !stacktest.Eventually(t, there) {
		t.Fatal("there never was a Record")
	}
	return kept
}
