package upgrade

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc/codes"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// The emulator's models would take seconds of CPU time.
var stubbed = annotator.Fault{Response: &visionpb.AnnotateImageResponse{}}

type testPicture struct {
	*testenv.Env
	siteclient.Grant
	name string
}

// The picture waits for Google until recover is called.
func (d *deployment) upload(t *testing.T, name string) *testPicture {
	t.Helper()
	photo := append(testenv.Portrait(t), name...)
	p := &testPicture{d.Env, d.RequestGrant(t, photo), name}
	p.setVision(annotator.Fault{Code: codes.Unavailable})
	if status := testenv.Put(t, p.Grant, photo); status != http.StatusOK {
		t.Fatalf("the upload returned status %d", status)
	}
	return p
}

func (p *testPicture) setVision(f annotator.Fault) {
	f.Only = string(p.ID) // part of the URL
	p.Vision.SetFault(f)
}

// The status is the response to each write of a Record; 0 ends the fault.
func (p *testPicture) setRecords(status int) {
	p.Cosmos.SetFault(cosmosdb.Fault{Only: string(p.ID), Method: http.MethodPost, Status: status})
}

func (p *testPicture) recover(t *testing.T) {
	t.Helper()
	p.setRecords(0)
	p.setVision(stubbed)
	p.retryNow(t)
}

// retryNow does not wait for the pause between two attempts.
func (p *testPicture) retryNow(t *testing.T) {
	t.Helper()
	for _, a := range p.pending(t) {
		p.ResetActivity(t, p.ID, a)
	}
}

func (p *testPicture) pending(t *testing.T) []*workflowpb.PendingActivityInfo {
	t.Helper()
	description, err := p.Temporal.DescribeWorkflowExecution(testenv.Context(t), p.ID.WorkflowID(), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return description.PendingActivities
}

func (p *testPicture) awaitFailure(t *testing.T, step picture.StepName) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool {
		return slices.ContainsFunc(p.pending(t), func(a *workflowpb.PendingActivityInfo) bool {
			return a.ActivityType.Name == string(step) && a.LastFailure != nil
		})
	}) {
		t.Fatalf("picture %s: %s did not fail", p.name, step)
	}
}

func (p *testPicture) checkAnnotated(t *testing.T) {
	t.Helper()
	if outcome := p.AwaitWorkflowEnd(t, p.ID, ""); outcome.Status != picture.Annotated {
		t.Errorf("picture %s: the workflow ended with status %s, want %s", p.name, outcome.Status, picture.Annotated)
	}
	if status := p.Record(t, p.ID).Status; status != picture.Annotated {
		t.Errorf("picture %s: the Record has status %s, want %s", p.name, status, picture.Annotated)
	}
}

// taskFailure returns the last workflow task that failed, or nil.
func (p *testPicture) taskFailure(t *testing.T) (failure *historypb.WorkflowTaskFailedEventAttributes) {
	t.Helper()
	for _, event := range p.History(t, p.ID) {
		if a := event.GetWorkflowTaskFailedEventAttributes(); a != nil {
			failure = a
		}
	}
	return failure
}

// checkVersion compares the results of workflow.GetVersion in the history.
func (p *testPicture) checkVersion(t *testing.T, want workflow.Version, changes ...string) {
	t.Helper()
	versions := map[string]workflow.Version{}
	for _, event := range p.History(t, p.ID) {
		marker := event.GetMarkerRecordedEventAttributes()
		if marker.GetMarkerName() != "Version" {
			continue
		}
		var change string
		var version workflow.Version
		for key, value := range map[string]any{"change-id": &change, "version": &version} {
			if err := converter.GetDefaultDataConverter().FromPayloads(marker.Details[key], value); err != nil {
				t.Fatal(err)
			}
		}
		versions[change] = version
	}
	for _, change := range changes {
		if version, ok := versions[change]; !ok || version != want {
			t.Errorf("picture %s recorded the versions %v, want %d of %s", p.name, versions, want, change)
		}
	}
}
