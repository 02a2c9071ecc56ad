package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

func TestAgain(t *testing.T) {
	s := stacktest.Start(t)
	stacktest.PauseSweeps(t, s)
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)

	t.Run("every_picture_but_the_erased_is_annotated_anew_and_once", func(t *testing.T) {
		seen, unreadable, erased := visitor.take(t, portrait(t)), visitor.take(t, []byte("<html>")), visitor.take(t, portrait(t))
		for _, id := range []picture.ID{seen.ID, unreadable.ID, erased.ID} {
			visitor.follow(t, id)
			closed(t, c, id) // an open run would be let finish
		}
		visitor.erase(t, erased.ID, erased.EraseToken)
		waitForActivity(t, s, erased.ID.EraseWorkflowID(), picture.DeleteObjectActivity) // else the sweep would find its object, and start it to delete that
		s.Vision.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{
			LabelAnnotations: []*visionpb.EntityAnnotation{{Description: "Astronaut"}}}})
		defer s.Vision.SetFault(annotator.Fault{})

		sweep := picture.Sweep{Reannotate: true, Began: time.Now()}
		if swept := sweepNow(t, c, "again", sweep); swept.Started != 2 {
			t.Errorf("swept %+v, want 2 started", swept)
		}
		for _, id := range []picture.ID{seen.ID, unreadable.ID} {
			closed(t, c, id)
			if r := recordOf(t, s, id); r.Status != picture.Annotated || !bytes.Contains(r.Annotation, []byte("Astronaut")) || r.Rejection != nil {
				t.Errorf("the Record is still %s: %s", r.Status, r.Annotation)
			}
		}
		if r := recordOf(t, s, erased.ID); r.Status != picture.Erased {
			t.Errorf("what was erased is %s", r.Status)
		}
		if swept := sweepNow(t, c, "again", sweep); swept.Started != 0 {
			t.Errorf("the same sweep once more: %+v", swept)
		}
	})
	t.Run("a_run_under_way_is_let_finish", func(t *testing.T) {
		s.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		g := visitor.take(t, portrait(t))
		first := ""
		visitor.follow(t, g.ID, func(p picture.Progress) {
			if p.Steps[1].Status != picture.StepRetrying || first != "" {
				return
			}
			first = latestRun(t, c, g.ID)
			sweepNow(t, c, "again", picture.Sweep{Reannotate: true})
			if run := latestRun(t, c, g.ID); run != first {
				t.Error("a second run was started beside it")
			}
			s.Vision.SetFault(annotator.Fault{})
		})
		if first == "" {
			t.Error("it was never under way")
		}
	})
}

func TestForgotten(t *testing.T) {
	s := stacktest.Start(t)
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)
	t.Run("a_picture_of_whose_run_only_the_Record_is_left_is_not_paid_for_twice", func(t *testing.T) {
		g := visitor.ask(t, portrait(t))
		before := picture.Record{ID: g.ID, Schema: picture.Schema, Status: picture.Annotated, RunID: "forgotten"}
		if err := containerOf(t, s).Create(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		upload(t, g, portrait(t))
		run := waitForRun(t, c, g.ID, "")
		var outcome picture.Outcome
		if err := c.GetWorkflow(t.Context(), g.ID.WorkflowID(), run).Get(t.Context(), &outcome); err != nil || outcome.Status != picture.Annotated {
			t.Errorf("the second run ended %+v, %v", outcome, err)
		}
		if billed := s.Vision.Billed(); billed != 0 {
			t.Errorf("Google was asked %d times", billed)
		}
		if after := recordOf(t, s, g.ID); after.RunID != before.RunID {
			t.Error("the Record is another")
		}
	})
	t.Run("an_erased_picture_that_is_uploaded_again_is_not_shown_to_Google_even_if_Cosmos_DB_cannot_say", func(t *testing.T) {
		s.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		g := visitor.take(t, portrait(t))
		first := waitForRun(t, c, g.ID, "")
		visitor.erase(t, g.ID, g.EraseToken)
		waitForActivity(t, s, g.ID.EraseWorkflowID(), picture.DeleteObjectActivity) // and its run was terminated
		billed := s.Vision.Billed()
		s.Vision.SetFault(annotator.Fault{})

		visitor.pull(t, "azure", "down")
		if status := upload(t, g, portrait(t)); status != http.StatusOK {
			t.Fatalf("the upload with the same grant was answered %d", status)
		}
		waitForRun(t, c, g.ID, first)
		visitor.follow(t, g.ID, func(p picture.Progress) {
			if p.Steps[2].Status == picture.StepRetrying {
				visitor.pull(t, "azure", "none")
			}
		})
		if again := s.Vision.Billed() - billed; again != 0 {
			t.Errorf("Google was shown it %d times", again)
		}
		if r := recordOf(t, s, g.ID); r.Status != picture.Erased {
			t.Errorf("it is %s", r.Status)
		}
	})
}

// closed waits for the end of the picture's run, which comes after its Record.
func closed(t *testing.T, c client.Client, id picture.ID) {
	t.Helper()
	if err := c.GetWorkflow(t.Context(), id.WorkflowID(), "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// waitForRun returns the picture's latest run once there is one that is not the one before.
func waitForRun(t *testing.T, c client.Client, id picture.ID, before string) string {
	t.Helper()
	run := before
	if !stacktest.Eventually(t, func(context.Context) bool { run = latestRun(t, c, id); return run != before }) {
		t.Fatalf("picture %s has no run but %q", id.Redacted(), before)
	}
	return run
}

// latestRun is "" when the picture has none.
func latestRun(t *testing.T, c client.Client, id picture.ID) string {
	t.Helper()
	run, err := c.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return run.WorkflowExecutionInfo.Execution.RunId
}
