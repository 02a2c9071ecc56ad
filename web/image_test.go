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

func TestRedirectToImage(t *testing.T) {
	s := newTestSite(t)
	recorded := picture.Picture{ID: picture.NewID(time.Now()), Bucket: "pictures", Key: "pictures/x.jpg", VersionID: "v7"}
	s.store(t, recorded.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
	erased := picture.NewID(time.Now())
	s.store(t, picture.Tombstone(erased))
	image := func(id picture.ID) *http.Response {
		return s.do(t, "GET", "/api/pictures/"+string(id)+"/image", "", nil)
	}
	wantRedirect := func(t *testing.T, resp *http.Response, path, version string) {
		t.Helper()
		u, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || resp.StatusCode != http.StatusFound {
			t.Fatalf("status %d, %v", resp.StatusCode, err)
		}
		q := u.Query()
		if u.Path != path || q.Get("versionId") != version || q.Get("X-Amz-Expires") != "60" || q.Get("X-Amz-SignedHeaders") != "host" {
			t.Errorf("the image URL is %s", u)
		}
	}
	t.Run("version_comes_from_the_Record", func(t *testing.T) {
		wantRedirect(t, image(recorded.ID), "/pictures/pictures/x.jpg", "v7")
	})
	t.Run("erased_picture_is_410", func(t *testing.T) {
		wantProblem(t, image(erased), http.StatusGone, "erased")
	})
	t.Run("unknown_picture_is_404", func(t *testing.T) {
		wantProblem(t, image(picture.NewID(time.Now())), http.StatusNotFound, "arrived")
	})
	t.Run("version_comes_from_the_workflow_if_there_is_no_Record", func(t *testing.T) {
		s.temporal.use(t, "annotate_running")
		id := picture.ID(strings.TrimPrefix(s.temporal.description.WorkflowExecutionInfo.Execution.WorkflowId, "picture/"))
		wantRedirect(t, image(id), "/pictures/pictures/"+string(id)+".jpg", "v1")
	})
	t.Run("version_comes_from_a_workflow_that_reannotates", func(t *testing.T) {
		s.temporal.use(t, "annotate_running")
		id := picture.NewID(time.Now())
		p := picture.Picture{ID: id, Bucket: "pictures", Key: "pictures/" + string(id) + ".jpg", VersionID: "v2"}
		s.temporal.setInput(t, picture.Order{Picture: p, ReannotateBefore: time.Now()})
		wantRedirect(t, image(id), "/pictures/"+p.Key, "v2")
	})
	for name, input := range map[string]any{
		"workflow_input_that_is_no_order":     "text",
		"workflow_input_of_another_picture":   picture.Order{Picture: picture.Picture{ID: erased, Bucket: "pictures", Key: "k"}},
		"workflow_input_without_a_picture_ID": picture.Order{},
	} {
		t.Run(name+"_is_500_and_logged", func(t *testing.T) {
			s.temporal.use(t, "annotate_running")
			s.temporal.setInput(t, input)
			log := captureLog(t)
			id := picture.NewID(time.Now())
			wantProblem(t, s.serve("GET", "/api/pictures/"+string(id)+"/image"), http.StatusInternalServerError, "not with your request")
			if !strings.Contains(log.String(), "finding the object of picture "+id.Redacted()) {
				t.Errorf("the log does not contain the reason: %s", log)
			}
		})
	}
	t.Run("unavailable_Cosmos_DB_is_503", func(t *testing.T) {
		s.cosmos.SetFault(cosmosdb.Fault{Status: 503})
		wantProblem(t, image(recorded.ID), http.StatusServiceUnavailable, "Cosmos")
	})
}
