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

var retention = 30 // days

func TestRedirectToImage(t *testing.T) {
	s := newTestSite(t)
	recordedLink, erased := newTestLink(time.Now()), newTestLink(time.Now())
	recorded := picture.Picture{ID: recordedLink.picture, Bucket: "pictures", Key: keyOf(recordedLink), VersionID: "v7"}
	s.store(t, recorded.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
	s.store(t, picture.Tombstone(erased.picture))
	image := func(l link) *http.Response {
		return s.do(t, "GET", "/api/pictures/"+l.id+"/image", "", nil)
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
		wantRedirect(t, image(recordedLink), "/pictures/"+recorded.Key, "v7")
	})
	t.Run("erased_picture_is_410", func(t *testing.T) {
		wantProblem(t, image(erased), http.StatusGone, "erased")
	})
	t.Run("picture_is_410_after_its_retention", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.retentionDays = &retention })
		for age, want := range map[time.Duration]int{29 * 24 * time.Hour: http.StatusFound, 31 * 24 * time.Hour: http.StatusGone} {
			l := newTestLink(time.Now().Add(-age))
			p := picture.Picture{ID: l.picture, Bucket: "pictures", Key: keyOf(l), VersionID: "v7"}
			s.store(t, p.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
			if resp := s.do(t, "GET", "/api/pictures/"+l.id+"/image", "", nil); resp.StatusCode != want {
				t.Errorf("after %v: status %d, want %d", age, resp.StatusCode, want)
			}
		}
	})
	t.Run("picture_without_a_Record_is_410_after_its_retention", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.retentionDays = &retention })
		s.temporal.use(t, "annotate_running")
		l := newTestLink(time.Now().Add(-31 * 24 * time.Hour))
		s.temporal.setInput(t, picture.Order{Picture: picture.Picture{ID: l.picture, Bucket: "pictures", Key: keyOf(l), VersionID: "v1"}})
		wantProblem(t, s.do(t, "GET", "/api/pictures/"+l.id+"/image", "", nil), http.StatusGone, "deletes pictures after 30 days")
	})
	t.Run("unknown_picture_is_404", func(t *testing.T) {
		wantProblem(t, image(newTestLink(time.Now())), http.StatusNotFound, "arrived")
	})
	t.Run("version_comes_from_the_workflow_if_there_is_no_Record", func(t *testing.T) {
		s.temporal.use(t, "annotate_running")
		l := newTestLink(time.Now())
		s.temporal.setInput(t, picture.Order{Picture: picture.Picture{ID: l.picture, Bucket: "pictures", Key: keyOf(l), VersionID: "v1"}})
		wantRedirect(t, image(l), "/pictures/"+keyOf(l), "v1")
	})
	t.Run("version_comes_from_a_workflow_that_reannotates", func(t *testing.T) {
		s.temporal.use(t, "annotate_running")
		l := newTestLink(time.Now())
		p := picture.Picture{ID: l.picture, Bucket: "pictures", Key: keyOf(l), VersionID: "v2"}
		s.temporal.setInput(t, picture.Order{Picture: p, ReannotateBefore: time.Now()})
		wantRedirect(t, image(l), "/pictures/"+p.Key, "v2")
	})
	other := newTestLink(time.Now())
	for name, input := range map[string]any{
		"workflow_input_that_is_no_order":                "text",
		"workflow_input_with_the_key_of_another_picture": picture.Order{Picture: picture.Picture{ID: other.picture, Bucket: "pictures", Key: keyOf(recordedLink)}},
		"workflow_input_with_another_bucket":             picture.Order{Picture: picture.Picture{ID: other.picture, Bucket: "elsewhere", Key: keyOf(other)}},
		"workflow_input_without_a_picture_ID":            picture.Order{},
	} {
		t.Run(name+"_is_500_and_logged", func(t *testing.T) {
			s.temporal.use(t, "annotate_running")
			s.temporal.setInput(t, input)
			log := captureLog(t)
			wantProblem(t, s.serve("GET", "/api/pictures/"+other.id+"/image"), http.StatusInternalServerError, "not with your request")
			if !strings.Contains(log.String(), "finding the object of picture "+string(other.picture)) {
				t.Errorf("the log does not contain the reason: %s", log)
			}
		})
	}
	t.Run("Record_with_the_key_of_another_picture_is_500", func(t *testing.T) {
		l := newTestLink(time.Now())
		s.store(t, picture.Picture{ID: l.picture, Bucket: "pictures", Key: recorded.Key}.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
		wantProblem(t, image(l), http.StatusInternalServerError, "not with your request")
	})
	t.Run("unavailable_Cosmos_DB_is_503", func(t *testing.T) {
		s.cosmos.SetFault(cosmosdb.Fault{Status: 503})
		wantProblem(t, image(recordedLink), http.StatusServiceUnavailable, "Cosmos")
	})
}

func keyOf(l link) string { return picture.Prefix + string(l.picture) + ".jpg" }
