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

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

type testPicture struct {
	*suite
	siteclient.Grant
	photo []byte
}

func (s *suite) newPicture(t *testing.T, photo []byte) *testPicture {
	t.Helper()
	return &testPicture{s, s.RequestGrant(t, photo), photo}
}

// A stubbed picture gets an empty annotation, because the emulator's models take seconds of CPU time.
func (s *suite) newStubbedPicture(t *testing.T) *testPicture {
	t.Helper()
	p := s.newPicture(t, testenv.Portrait(t))
	p.setVisionFault(stubbed)
	return p
}

var (
	emptyAnnotation = &visionpb.AnnotateImageResponse{}
	stubbed         = annotator.Fault{Response: emptyAnnotation}
)

func (s *suite) uploadPicture(t *testing.T, photo []byte) *testPicture {
	t.Helper()
	p := s.newPicture(t, photo)
	p.upload(t)
	return p
}

func (p *testPicture) upload(t *testing.T) {
	t.Helper()
	if status := testenv.Put(t, p.Grant, p.photo); status != http.StatusOK {
		t.Fatalf("the upload returned status %d", status)
	}
}

// setVisionFault affects calls with the picture's URL.
func (p *testPicture) setVisionFault(f annotator.Fault) {
	f.Only = string(p.ID)
	p.Vision.SetFault(f)
}

// setVisionBytesFault affects calls with the picture's bytes.
func (p *testPicture) setVisionBytesFault(f annotator.Fault) {
	f.Only = string(p.photo[max(0, len(p.photo)-100):])
	p.Vision.SetFault(f)
}

func (p *testPicture) setCosmosFault(f cosmosdb.Fault) {
	f.Only = string(p.ID)
	p.Cosmos.SetFault(f)
}

func (p *testPicture) setS3Fault(t *testing.T, fields string) {
	t.Helper()
	p.InjectS3Fault(t, `{"only":"`+string(p.ID)+`"`+fields+`}`)
}

type stepFailure struct {
	step    picture.StepName
	kind    picture.Kind
	message string // a part of it
}

func (p *testPicture) awaitRetry(t *testing.T, want stepFailure) *workflowpb.PendingActivityInfo {
	t.Helper()
	step := p.awaitStep(t, want.step, func(step picture.Step) bool {
		return step.Status == picture.StepRetrying && step.Attempt >= 2
	})
	for _, pending := range p.describeWorkflow(t).PendingActivities {
		failure := pending.LastFailure
		if pending.ActivityType.GetName() != string(want.step) {
			continue
		}
		if kind := kindOf(failure); kind != want.kind || !strings.Contains(failure.GetMessage(), want.message) || pending.Attempt < 2 {
			t.Errorf("Temporal shows attempt %d after %s %q, want %s %q", pending.Attempt, kind, failure.GetMessage(), want.kind, want.message)
		}
		if step.Error != failure.GetMessage() {
			t.Errorf("the site shows the error %q, Temporal %q", step.Error, failure.GetMessage())
		}
		return pending
	}
	t.Fatalf("%s is not pending", want.step)
	return nil
}

func (p *testPicture) awaitStep(t *testing.T, name picture.StepName, condition func(picture.Step) bool) (found picture.Step) {
	t.Helper()
	ctx, cancel := context.WithCancel(testenv.Context(t))
	defer cancel()
	last, err := p.Site.Follow(ctx, p.Link, func(progress picture.Progress) {
		i := slices.Index(picture.StepOrder[:], name)
		if condition(progress.Steps[i]) && found.Name == "" {
			found = progress.Steps[i]
			cancel()
		}
	})
	if found.Name == "" {
		t.Fatalf("the site did not show the wanted state of %s: %v, last progress %+v", name, err, last)
	}
	return found
}

func (p *testPicture) describeWorkflow(t *testing.T) *workflowservice.DescribeWorkflowExecutionResponse {
	t.Helper()
	description, err := p.Temporal.DescribeWorkflowExecution(testenv.Context(t), p.ID.WorkflowID(), "")
	if err != nil {
		t.Fatal(err)
	}
	return description
}

type outcome struct {
	status            picture.Status
	rejection         picture.Kind // "" if the picture is not rejected
	bills             int          // how often Google charges for the picture
	mayBillTwice      bool         // one more charge is allowed, because Vision's response may have been lost
	wantAnnotateCalls int          // scheduled annotate activities: 1 by URL, 2 by URL and then by bytes; 0 = don't check
}

var annotated = outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: 1}

func (p *testPicture) awaitOutcome(t *testing.T, want outcome) picture.Record {
	t.Helper()
	final := p.Follow(t, p.Link)
	if final.Status != want.status {
		t.Errorf("the site shows status %s, want %s: %+v", final.Status, want.status, final.Steps)
	}
	runID := p.awaitWorkflowEnd(t, want.status)
	record := p.Record(t, p.ID)
	if record.Status != want.status || record.RunID != runID {
		t.Errorf("the Record has status %s and run ID %s, want %s and %s", record.Status, record.RunID, want.status, runID)
	}
	if r := record.Rejection; r == nil && want.rejection != "" || r != nil && r.Kind != want.rejection {
		t.Errorf("the Record has rejection %+v, want kind %q", r, want.rejection)
	}
	if n := p.countBills(t); n != want.bills && !(want.mayBillTwice && n == want.bills+1) {
		t.Errorf("Google charged %d times, want %d", n, want.bills)
	}
	if n := len(p.activityRuns(t, picture.AnnotateStep)); want.wantAnnotateCalls != 0 && n != want.wantAnnotateCalls {
		t.Errorf("annotate was scheduled %d times, want %d", n, want.wantAnnotateCalls)
	}
	return record
}

// The site can show the final status before the workflow ends.
func (p *testPicture) awaitWorkflowEnd(t *testing.T, status picture.Status) (runID string) {
	t.Helper()
	run := p.Temporal.GetWorkflow(testenv.Context(t), p.ID.WorkflowID(), "")
	var result picture.Outcome
	err := run.Get(testenv.Context(t), &result)
	if err != nil || result.Status != status {
		t.Errorf("the workflow ended with status %s and error %v, want status %s", result.Status, err, status)
	}
	return run.GetRunID()
}

func (p *testPicture) countBills(t *testing.T) int {
	t.Helper()
	log := p.readLog(t, "vision")
	byURL := annotator.Identity([]byte("/" + p.Endpoints.Bucket + "/" + testenv.Key(t, p.ID)))
	byBytes := annotator.Identity(p.photo)
	return strings.Count(log, byURL) + strings.Count(log, byBytes)
}

func (p *testPicture) awaitBill(t *testing.T) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool { return p.countBills(t) > 0 }) {
		t.Fatal("Google did not charge for the picture")
	}
}

func (p *testPicture) awaitRecord(t *testing.T) (record picture.Record) {
	t.Helper()
	exists := func(ctx context.Context) bool {
		var err error
		if record, _, err = p.Records.Read(ctx, p.ID); err != nil && !errors.Is(err, records.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !stacktest.Eventually(t, exists) {
		t.Fatal("Cosmos DB contains no Record of the picture")
	}
	return record
}
