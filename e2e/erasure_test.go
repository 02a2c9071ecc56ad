package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/local/stack"
	"triptych/local/stacktest"
	"triptych/picture"
)

// A picture whose upload grant is over is erased to the end at once.
func TestErasure(t *testing.T) {
	s := stacktest.Start(t)
	stacktest.PauseSweeps(t, s)
	visitor := site(s.Endpoints.Site)
	c := temporalOf(t, s)
	id := picture.NewID(time.Now().Add(-time.Hour))
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, key, portrait(t))
	visitor.follow(t, id)

	t.Run("leaves_a_tombstone_and_no_object_and_no_history", func(t *testing.T) {
		erase(t, c, id)
		checkErased(t, s, id)
		if !stacktest.Eventually(t, func(ctx context.Context) bool { // Temporal deletes up to half a minute behind its answer
			_, err := c.DescribeWorkflowExecution(ctx, id.WorkflowID(), "")
			_, gone := errors.AsType[*serviceerror.NotFound](err)
			return gone
		}) {
			t.Error("the run's history, which holds the annotation, is still there")
		}
	})
	t.Run("an_upload_that_ends_later_and_whose_event_is_lost_is_deleted_by_the_sweep", func(t *testing.T) {
		s3Fault(t, s, `{"events":"drop"}`)
		put(t, s, key, portrait(t))
		s3Fault(t, s, `{}`)
		billed := s.Vision.Billed()
		if swept := sweepNow(t, c, "by-hand", picture.Sweep{}); swept.Started != 1 {
			t.Errorf("swept %+v", swept)
		}
		if err := c.GetWorkflow(t.Context(), id.WorkflowID(), "").Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		checkErased(t, s, id)
		if n := s.Vision.Billed() - billed; n != 0 {
			t.Errorf("Google was paid %d times", n)
		}
		if swept := sweepNow(t, c, "by-hand", picture.Sweep{}); swept.Started != 0 {
			t.Errorf("the next sweep: %+v", swept)
		}
	})
	t.Run("an_erasure_that_has_not_come_to_the_tombstone_keeps_the_picture_from_Google", func(t *testing.T) {
		being := picture.NewID(time.Now().Add(-time.Hour))
		if _, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: being.EraseWorkflowID(), TaskQueue: "nobody's"}, picture.EraseWorkflow, being); err != nil {
			t.Fatal(err)
		}
		unread := cosmosdb.Fault{Only: string(being), Method: http.MethodGet}
		away := unread
		away.Status = http.StatusServiceUnavailable
		s.Cosmos.SetFault(away)
		s.Vision.SetFault(annotator.Fault{Only: string(being), OnMatch: func() { t.Error("Google was shown the picture") }})
		key, err := being.Key("image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, key, portrait(t))
		waitForRun(t, c, being, "")
		var ended picture.Outcome
		if err := c.GetWorkflow(t.Context(), being.WorkflowID(), "").Get(t.Context(), &ended); err != nil || ended.Status != picture.Erased {
			t.Errorf("it ended %s, %v", ended.Status, err)
		}
		s.Cosmos.SetFault(unread)
		checkErased(t, s, being)
	})
}

// erase runs the whole erasure.
func erase(t *testing.T, c client.Client, id picture.ID) {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id.EraseWorkflowID(), TaskQueue: picture.PicturesQueue}, picture.EraseWorkflow, id)
	if err == nil {
		err = run.Get(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkErased wants a tombstone and not one version of the object.
func checkErased(t *testing.T, s *stack.Stack, id picture.ID) {
	t.Helper()
	if r := recordOf(t, s, id); r.Status != picture.Erased || r.Key != "" || len(r.Steps) != 0 {
		t.Errorf("kept of it: %+v", r)
	}
	prefix := picture.Prefix + string(id)
	left, err := bucketOf(s).ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &s.Endpoints.Bucket, Prefix: &prefix})
	if err != nil || len(left.Versions)+len(left.DeleteMarkers) != 0 {
		t.Errorf("S3 has %d versions and %d delete markers of it: %v", len(left.Versions), len(left.DeleteMarkers), err)
	}
}
