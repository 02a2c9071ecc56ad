package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestProgress(t *testing.T) {
	id := picture.NewID(time.Now())
	steps := []picture.Step{
		{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: 1},
		{Name: picture.AnnotateStep, Cloud: "google", Status: picture.StepDone, Attempt: 3},
	}
	annotated := (picture.Picture{ID: id, Bucket: "pictures", Key: "k"}).AnnotatedRecord([]byte(`{"faceAnnotations":[]}`), time.Now(), steps, "run")
	down := cosmosdb.Fault{Status: 503}
	for name, world := range map[string]struct {
		record       *picture.Record
		run          string
		cosmos       cosmosdb.Fault
		temporalDown bool
		status       int
		want         picture.Status
		steps        string
	}{
		"a_Record_wins_over_the_run":                 {record: &annotated, run: "annotate_running", status: 200, want: picture.Annotated, steps: "done done done"},
		"a_Record_is_told_without_Temporal":          {record: &annotated, temporalDown: true, status: 200, want: picture.Annotated, steps: "done done done"},
		"an_erased_picture_is_erased":                {record: new(picture.Tombstone(id)), run: "annotate_running", status: 200, want: picture.Erased, steps: "waiting waiting waiting"},
		"neither_Record_nor_run_waits":               {status: 200, want: picture.Waiting, steps: "waiting waiting waiting"},
		"an_open_run_is_running":                     {run: "annotate_running", status: 200, want: picture.Running, steps: "done running waiting"},
		"a_run_without_Cosmos_is_running":            {run: "persist_waiting_for_retry", cosmos: down, status: 200, want: picture.Running, steps: "done done retrying"},
		"a_terminated_run_waits":                     {run: "workflow_terminated", status: 200, want: picture.Waiting, steps: "done failed waiting"},
		"expired_Record_uses_the_completed_workflow": {run: "completed", status: 200, want: picture.Annotated, steps: "done done done"},
		"nothing_without_Cosmos_is_503":              {cosmos: down, status: 503},
		"an_ended_run_without_Cosmos_is_503":         {run: "completed", cosmos: down, status: 503},
		"no_Record_and_no_Temporal_is_503":           {temporalDown: true, status: 503},
		"no_cloud_at_all_is_503":                     {cosmos: down, temporalDown: true, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestSite(t)
			if world.record != nil {
				c.store(t, *world.record)
			}
			c.temporal.use(t, world.run)
			c.temporal.setDown(world.temporalDown)
			c.cosmos.SetFault(world.cosmos)
			resp := c.do(t, "GET", "/api/pictures/"+string(id), "", nil)
			if world.status != 200 {
				if resp.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				wantProblem(t, resp, world.status, "try again")
				return
			}
			got := decodeBody[picture.Progress](t, resp)
			if resp.StatusCode != 200 || got.ID != id || got.Status != world.want || statuses(got.Steps) != world.steps {
				t.Errorf("%d, %s is %s: %s; want %s: %s", resp.StatusCode, got.ID, got.Status, statuses(got.Steps), world.want, world.steps)
			}
			if (got.Record != nil) != (world.record != nil) {
				t.Errorf("the record is %v", got.Record)
			}
		})
	}
}

func TestProgress_a_Record_written_between_the_two_looks_is_seen(t *testing.T) {
	c := newTestSite(t)
	id := picture.NewID(time.Now())
	c.temporal.use(t, "completed")
	c.temporal.onDescribe = func() {
		c.store(t, (picture.Picture{ID: id, Bucket: "b", Key: "k"}).AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
	}
	got := decodeBody[picture.Progress](t, c.do(t, "GET", "/api/pictures/"+string(id), "", nil))
	if got.Record == nil {
		t.Error("the Record is missing")
	}
}

func TestImage(t *testing.T) {
	c := newTestSite(t)
	recorded := picture.Picture{ID: picture.NewID(time.Now()), Bucket: "pictures", Key: "pictures/x.jpg", VersionID: "v7"}
	c.store(t, recorded.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
	erased := picture.NewID(time.Now())
	c.store(t, picture.Tombstone(erased))
	image := func(id picture.ID) *http.Response {
		return c.do(t, "GET", "/api/pictures/"+string(id)+"/image", "", nil)
	}
	leadsTo := func(t *testing.T, resp *http.Response, path, version string) {
		t.Helper()
		u, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || resp.StatusCode != http.StatusFound {
			t.Fatalf("status %d, %v", resp.StatusCode, err)
		}
		q := u.Query()
		if u.Path != path || q.Get("versionId") != version || q.Get("X-Amz-Expires") != "60" || q.Get("X-Amz-SignedHeaders") != "host" {
			t.Errorf("it leads to %s", u)
		}
	}
	t.Run("a_Record_names_the_version", func(t *testing.T) {
		leadsTo(t, image(recorded.ID), "/pictures/pictures/x.jpg", "v7")
	})
	t.Run("an_erased_picture_is_410", func(t *testing.T) {
		wantProblem(t, image(erased), http.StatusGone, "erased")
	})
	t.Run("an_unknown_picture_is_404", func(t *testing.T) {
		wantProblem(t, image(picture.NewID(time.Now())), http.StatusNotFound, "arrived")
	})
	t.Run("before_the_Record_the_run_names_the_version", func(t *testing.T) {
		c.temporal.use(t, "annotate_running")
		id := picture.ID(strings.TrimPrefix(c.temporal.description.WorkflowExecutionInfo.Execution.WorkflowId, "picture/"))
		leadsTo(t, image(id), "/pictures/pictures/"+string(id)+".jpg", "v1")
	})
	t.Run("without_Cosmos_it_is_503", func(t *testing.T) {
		c.cosmos.SetFault(cosmosdb.Fault{Status: 503})
		wantProblem(t, image(recorded.ID), http.StatusServiceUnavailable, "Cosmos")
	})
}

func statuses(steps []picture.Step) string {
	var words []string
	for _, step := range steps {
		words = append(words, string(step.Status))
	}
	return strings.Join(words, " ")
}
