package e2e

import (
	"bytes"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc/codes"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestReannotate(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)

	t.Run("annotates_every_picture_once_except_erased_ones", func(t *testing.T) {
		annotated, rejected, erased := env.Upload(t, testenv.Portrait(t)), env.Upload(t, []byte("<html>")), env.Upload(t, testenv.Portrait(t))
		for _, g := range []siteclient.Grant{annotated, rejected, erased} {
			env.Follow(t, g.Link)
			env.AwaitWorkflowEnd(t, g.ID, "") // the sweep does not restart a running workflow
		}
		env.Erase(t, erased.Link, erased.EraseToken)
		env.AwaitActivity(t, erased.ID.EraseWorkflowID(), picture.DeleteHistoryActivity)
		env.Vision.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{
			LabelAnnotations: []*visionpb.EntityAnnotation{{Description: "Astronaut"}}}})
		defer env.Vision.SetFault(annotator.Fault{})

		sweep := picture.Sweep{Reannotate: true, Began: time.Now()}
		if counts := env.RunSweep(t, "reannotate", sweep); counts.Started != 2 {
			t.Errorf("sweep counts %+v, want 2 started", counts)
		}
		for _, id := range []picture.ID{annotated.ID, rejected.ID} {
			env.AwaitWorkflowEnd(t, id, "")
			if r := env.Record(t, id); r.Status != picture.Annotated || !bytes.Contains(r.Annotation, []byte("Astronaut")) || r.Rejection != nil {
				t.Errorf("the Record has status %s and annotation %s, want the new annotation", r.Status, r.Annotation)
			}
		}
		if r := env.Record(t, erased.ID); r.Status != picture.Erased {
			t.Errorf("the Record of the erased picture has status %s", r.Status)
		}
		if counts := env.RunSweep(t, "reannotate", sweep); counts.Started != 0 {
			t.Errorf("the same sweep again: counts %+v, want 0 started", counts)
		}
	})
	t.Run("does_not_restart_a_running_workflow", func(t *testing.T) {
		env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
		g := env.Upload(t, testenv.Portrait(t))
		first := ""
		env.Follow(t, g.Link, func(p picture.Progress) {
			if p.Steps[1].Status != picture.StepRetrying || first != "" {
				return
			}
			first = env.LatestRun(t, g.ID.WorkflowID())
			env.RunSweep(t, "reannotate", picture.Sweep{Reannotate: true})
			if run := env.LatestRun(t, g.ID.WorkflowID()); run != first {
				t.Error("the sweep started a second workflow run")
			}
			env.Vision.SetFault(annotator.Fault{})
		})
		if first == "" {
			t.Error("annotate was never retried")
		}
	})
}

// After Temporal's retention period, a picture has a Record but no workflow history.
func TestPastRetention(t *testing.T) {
	env := testenv.Start(t)
	t.Run("picture_with_a_Record_is_not_billed_again", func(t *testing.T) {
		g := env.RequestGrant(t, testenv.Portrait(t))
		before := picture.Record{ID: g.ID, Schema: picture.Schema, Status: picture.Annotated, RunID: "past retention"}
		if err := env.Records.Create(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		testenv.Put(t, g, testenv.Portrait(t))
		run := env.AwaitNewRun(t, g.ID, "")
		if outcome := env.AwaitWorkflowEnd(t, g.ID, run); outcome.Status != picture.Annotated {
			t.Errorf("the workflow ended with status %s, want %s", outcome.Status, picture.Annotated)
		}
		if n := env.Vision.Billed(); n != 0 {
			t.Errorf("Google charged %d times, want 0", n)
		}
		if after := env.Record(t, g.ID); after.RunID != before.RunID {
			t.Error("the Record was replaced")
		}
	})
}
