package privacy

import (
	"context"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

func TestErasure(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	id, key := expiredPicture(t)
	env.PutObject(t, key, testenv.Portrait(t))
	env.AwaitNewRun(t, id, "")
	env.AwaitWorkflowEnd(t, id, "")

	t.Run("leaves_a_tombstone_but_no_object_and_no_workflow_history", func(t *testing.T) {
		run, err := env.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id.EraseWorkflowID(), TaskQueue: picture.PicturesQueue}, picture.EraseWorkflow, id)
		if err == nil {
			err = run.Get(t.Context(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		checkErased(t, env, id)
		if !stacktest.Eventually(t, func(context.Context) bool { // Temporal deletes up to 30 s after it acknowledged the request
			return env.LatestRun(t, id.WorkflowID()) == ""
		}) {
			t.Error("the workflow history, which contains the annotation, still exists")
		}
	})
	t.Run("later_upload_whose_S3_event_is_lost_is_deleted_by_the_sweep", func(t *testing.T) {
		env.InjectS3Fault(t, `{"events":"drop"}`)
		env.PutObject(t, key, testenv.Portrait(t))
		env.InjectS3Fault(t, `{}`)
		billed := env.Vision.Billed()
		if counts := env.RunSweep(t, "manual-sweep", picture.Sweep{}); counts.Started != 1 {
			t.Errorf("sweep counts %+v, want 1 started", counts)
		}
		env.AwaitWorkflowEnd(t, id, "")
		checkErased(t, env, id)
		if n := env.Vision.Billed() - billed; n != 0 {
			t.Errorf("Google charged %d times, want 0", n)
		}
		if counts := env.RunSweep(t, "manual-sweep", picture.Sweep{}); counts.Started != 0 {
			t.Errorf("second sweep: counts %+v, want 0 started", counts)
		}
	})
	t.Run("picture_is_not_sent_to_Google_while_its_erasure_has_not_written_the_tombstone", func(t *testing.T) {
		testErasureWithoutTombstone(t, env)
	})
	t.Run("upload_after_the_erasure_is_not_sent_to_Google_while_Cosmos_DB_is_down", func(t *testing.T) {
		testUploadAfterErasure(t, env)
	})
	t.Run("repeated_request_starts_a_new_workflow_only_after_a_terminated_one", func(t *testing.T) {
		testRepeatedErasure(t, env)
	})
	t.Run("request_for_a_tombstone_starts_no_workflow_after_Temporals_retention", func(t *testing.T) {
		testErasurePastRetention(t, env)
	})
}

func testErasureWithoutTombstone(t *testing.T, env *testenv.Env) {
	id, key := expiredPicture(t)
	options := client.StartWorkflowOptions{ID: id.EraseWorkflowID(), TaskQueue: "queue-without-a-worker"}
	if _, err := env.Temporal.ExecuteWorkflow(t.Context(), options, picture.EraseWorkflow, id); err != nil {
		t.Fatal(err)
	}
	env.Cosmos.SetFault(cosmosdb.Fault{Only: string(id), Method: http.MethodGet, Status: http.StatusServiceUnavailable})
	env.Vision.SetFault(annotator.Fault{Only: string(id), OnMatch: func() { t.Error("the picture was sent to Google") }})
	env.PutObject(t, key, testenv.Portrait(t))
	env.AwaitNewRun(t, id, "")
	if outcome := env.AwaitWorkflowEnd(t, id, ""); outcome.Status != picture.Erased {
		t.Errorf("the workflow ended with status %s, want %s", outcome.Status, picture.Erased)
	}
	env.Cosmos.SetFault(cosmosdb.Fault{Only: string(id), Method: http.MethodGet})
	checkErased(t, env, id)
}

func testUploadAfterErasure(t *testing.T, env *testenv.Env) {
	env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable})
	g := env.Upload(t, testenv.Portrait(t))
	first := env.AwaitNewRun(t, g.ID, "")
	env.Erase(t, g.Link, g.EraseToken)
	env.AwaitActivity(t, g.ID.EraseWorkflowID(), picture.DeleteHistoryActivity) // would also delete a run that the next upload starts
	billed := env.Vision.Billed()
	env.Vision.SetFault(annotator.Fault{})

	env.Cosmos.SetFault(cosmosdb.Fault{Status: http.StatusServiceUnavailable})
	if status := testenv.Put(t, g, testenv.Portrait(t)); status != http.StatusOK {
		t.Fatalf("the upload with the same grant returned status %d, want 200", status)
	}
	env.AwaitNewRun(t, g.ID, first)
	env.Follow(t, g.Link, func(p picture.Progress) {
		if p.Steps[2].Status == picture.StepRetrying {
			env.Cosmos.SetFault(cosmosdb.Fault{})
		}
	})
	if n := env.Vision.Billed() - billed; n != 0 {
		t.Errorf("Google charged %d times, want 0", n)
	}
	if r := env.Record(t, g.ID); r.Status != picture.Erased {
		t.Errorf("the Record has status %s, want %s", r.Status, picture.Erased)
	}
}

func testRepeatedErasure(t *testing.T, env *testenv.Env) {
	g := env.Upload(t, testenv.Portrait(t))
	workflow := g.ID.EraseWorkflowID()
	eraseAgain := func() string {
		t.Helper()
		if status := env.Erase(t, g.Link, g.EraseToken); status != http.StatusAccepted {
			t.Fatalf("the erase request returned status %d, want 202", status)
		}
		return env.LatestRun(t, workflow)
	}
	terminate := func() {
		t.Helper()
		if err := env.Temporal.TerminateWorkflow(t.Context(), workflow, "", "test"); err != nil {
			t.Fatal(err)
		}
	}
	first := eraseAgain()
	env.AwaitActivity(t, workflow, picture.DeleteHistoryActivity)
	if run := eraseAgain(); run != first {
		t.Errorf("a request during the erasure started run %s", run)
	}
	terminate()
	if run := eraseAgain(); run == first {
		t.Error("a request after a terminated erasure started no run")
	}
	terminate()

	expired, _ := expiredPicture(t) // its erasure completes immediately
	completed, err := env.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflow, TaskQueue: picture.PicturesQueue}, picture.EraseWorkflow, expired)
	if err == nil {
		err = completed.Get(testenv.Context(t), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if run := eraseAgain(); run != completed.GetRunID() {
		t.Errorf("a request after a completed erasure started run %s", run)
	}
}

func testErasurePastRetention(t *testing.T, env *testenv.Env) {
	g := env.RequestGrant(t, testenv.Portrait(t))
	if err := env.Records.Create(t.Context(), picture.Tombstone(g.ID)); err != nil {
		t.Fatal(err)
	}
	if status := env.Erase(t, g.Link, g.EraseToken); status != http.StatusAccepted {
		t.Errorf("the erase request returned status %d, want 202", status)
	}
	if run := env.LatestRun(t, g.ID.EraseWorkflowID()); run != "" {
		t.Errorf("the erase request started run %s", run)
	}
}

func expiredPicture(t *testing.T) (picture.ID, string) {
	t.Helper()
	id := picture.NewID(time.Now().Add(-time.Hour), rand.Text())
	return id, testenv.Key(t, id)
}

func checkErased(t *testing.T, env *testenv.Env, id picture.ID) {
	t.Helper()
	if r := env.Record(t, id); r.Status != picture.Erased || r.Key != "" || len(r.Steps) != 0 {
		t.Errorf("the Record is %+v, want a tombstone", r)
	}
	env.CheckNoObject(t, id)
}
