package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/records"
	"triptych/picture"
)

func TestPersist(t *testing.T) {
	c := openClouds(t)
	t.Run("Record_is_stored_with_persist_as_its_last_step", func(t *testing.T) {
		r := newRecord(t)
		before := time.Now()
		c.checkPersist(t, r, picture.Annotated)
		stored := c.storedRecord(t, r.ID)
		last := stored.Steps[len(stored.Steps)-1]
		if last.StartedAt.Before(before) || last.StartedAt.After(time.Now()) || !last.FinishedAt.IsZero() {
			t.Errorf("persist started at %s and finished at %s; the latter is unknown when the Record is written", last.StartedAt, last.FinishedAt)
		}
		r.Steps = append(r.Steps, picture.Step{Name: picture.PersistStep, Cloud: picture.Azure, Status: picture.StepDone,
			Attempt: 1, StartedAt: last.StartedAt})
		checkRecord(t, stored, r)
	})
	t.Run("rejection_is_stored_with_its_reason", func(t *testing.T) {
		reason := picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage, Message: "Google cannot read this file as an image"}
		r := newPicture(t).RejectedRecord(reason, nil, "run")
		c.checkPersist(t, r, picture.Rejected)
		if stored := c.storedRecord(t, r.ID); stored.Rejection == nil || *stored.Rejection != reason {
			t.Errorf("stored %+v", stored.Rejection)
		}
	})
	t.Run("second_call_changes_nothing", func(t *testing.T) {
		r := newRecord(t)
		c.checkPersist(t, r, picture.Annotated)
		first := c.storedRecord(t, r.ID)
		c.checkPersist(t, r, picture.Annotated)
		checkRecord(t, c.storedRecord(t, r.ID), first)
	})
	t.Run("later_workflow_gets_the_outcome_of_the_first", func(t *testing.T) {
		r := newRecord(t)
		c.checkPersist(t, r, picture.Annotated)
		first := c.storedRecord(t, r.ID)
		later := r
		later.Status, later.RunID, later.Annotation = picture.Rejected, "later", nil
		c.checkPersist(t, later, picture.Annotated)
		checkRecord(t, c.storedRecord(t, r.ID), first)
	})
	t.Run("Record_that_is_deleted_between_create_and_read_is_retried", func(t *testing.T) {
		r := newRecord(t)
		c.azure.SetFault(cosmosdb.Fault{Status: 409, Times: 1})
		_, err := c.persist(t, r)
		checkFailure(t, err, picture.Unavailable)
		c.checkPersist(t, r, picture.Annotated)
	})
	t.Run("too_large_Record_is_not_stored", func(t *testing.T) {
		r := newRecord(t)
		r.Annotation = json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`)
		_, err := c.persist(t, r)
		checkFailure(t, err, picture.TooLarge)
		c.checkNoRecord(t, r.ID)
	})
	for name, properties := range unreadableDocuments {
		t.Run(name+"_waits_for_the_operator", func(t *testing.T) {
			c, r := openClouds(t), newRecord(t)
			c.createDocument(t, r.ID, properties)
			_, err := c.persist(t, r)
			checkFailure(t, err, picture.Misconfigured)
		})
	}
	for name, fault := range map[string]cosmosdb.Fault{
		"status_408":          {Status: 408, AfterApply: true, Times: 1},
		"status_503":          {Status: 503, AfterApply: true, Times: 1},
		"a_closed_connection": {AfterApply: true, Times: 1},
	} {
		t.Run("write_whose_response_was_lost_by_"+name+"_succeeds_when_retried", func(t *testing.T) {
			r := newRecord(t)
			c.azure.SetFault(fault)
			_, err := c.persist(t, r)
			checkFailure(t, err, picture.Unavailable)
			first := c.storedRecord(t, r.ID)
			c.checkPersist(t, r, picture.Annotated)
			checkRecord(t, c.storedRecord(t, r.ID), first)
		})
	}
}

func TestPersistReannotation(t *testing.T) {
	c := openClouds(t)
	for name, first := range map[string]picture.Record{"annotated": newRecord(t), "rejected": newRejection(t)} {
		t.Run(name+"_Record_is_replaced_if_it_is_older", func(t *testing.T) {
			c.checkPersist(t, first, first.Status)
			second := first
			second.Status, second.Rejection, second.RunID, second.Annotation = picture.Annotated, nil, "second", json.RawMessage(`{"textAnnotations":[]}`)
			c.checkReannotation(t, second, time.Now(), picture.Annotated)
			replaced := c.storedRecord(t, first.ID)
			if replaced.Status != picture.Annotated || replaced.RunID != "second" || !strings.Contains(string(replaced.Annotation), "text") {
				t.Errorf("stored %+v", replaced)
			}
			outdated := first
			outdated.RunID = "outdated"
			c.checkReannotation(t, outdated, time.Now().Add(-time.Hour), picture.Annotated)
			checkRecord(t, c.storedRecord(t, first.ID), replaced)
		})
	}
	t.Run("rejection_does_not_replace_an_annotation", func(t *testing.T) {
		r := newRecord(t)
		c.checkPersist(t, r, picture.Annotated)
		first := c.storedRecord(t, r.ID)
		rejected := newRejection(t)
		rejected.ID = r.ID
		began := time.Now()
		c.checkReannotation(t, rejected, began, picture.Annotated)
		stored := c.storedRecord(t, r.ID)
		if stored.OlderThan(began) {
			t.Errorf("a sweep that began at %v would pay for the picture again: %+v", began, stored)
		}
		stored.ReannotationRejectedAt = first.ReannotationRejectedAt
		checkRecord(t, stored, first)
	})
}

func TestPersistConcurrently(t *testing.T) {
	const calls = 50
	c := openClouds(t)
	shared := newRecord(t)
	runs := map[string]bool{}
	var group sync.WaitGroup
	for i := range calls {
		r, own := shared, newRecord(t)
		r.RunID = fmt.Sprint("run ", i)
		runs[r.RunID] = true
		group.Go(func() {
			for _, r := range []picture.Record{r, own} {
				got, err := c.persist(t, r)
				if want := (picture.Outcome{ID: r.ID, Status: picture.Annotated}); err != nil || got != want {
					t.Errorf("%+v, %v, want %+v", got, err, want)
				}
			}
			if stored, _, err := c.Records.Read(t.Context(), own.ID); err != nil || stored.ID != own.ID {
				t.Errorf("reading the Record that only one call writes: %v", err)
			}
		})
	}
	group.Wait()
	t.Run("one_of_50_concurrent_Records_is_stored_completely", func(t *testing.T) {
		stored := c.storedRecord(t, shared.ID)
		if !runs[stored.RunID] || len(stored.Steps) != len(shared.Steps)+1 {
			t.Errorf("run %q, steps %+v", stored.RunID, stored.Steps)
		}
	})
}

func TestPersistErasedPicture(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	r := p.AnnotatedRecord(json.RawMessage(`{"faceAnnotations":[]}`), time.Now(), nil, "run")
	if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
		t.Fatal(err)
	}
	_, before, err := c.Records.Read(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	checkUnchanged := func(t *testing.T) {
		t.Helper()
		stored, etag, err := c.Records.Read(t.Context(), p.ID)
		if err != nil || etag != before || !reflect.DeepEqual(stored, picture.Tombstone(p.ID)) {
			t.Errorf("the tombstone is now %+v, %s, %v", stored, etag, err)
		}
	}
	t.Run("failed_deletion_of_the_object_is_retried", func(t *testing.T) {
		gateway.Fail(t, `{"status":503,"code":"SlowDown"}`)
		_, err := c.persist(t, r)
		checkFailure(t, err, picture.Throttled)
		checkUnchanged(t)
	})
	t.Run("tombstone_is_never_overwritten_and_the_object_is_deleted", func(t *testing.T) {
		c.checkPersist(t, r, picture.Erased)
		checkUnchanged(t)
		c.checkVersions(t, p.ID)
	})
	t.Run("second_call_changes_nothing", func(t *testing.T) {
		c.checkPersist(t, r, picture.Erased)
		checkUnchanged(t)
	})
	t.Run("tombstone_is_never_overwritten_by_a_reannotation", func(t *testing.T) {
		c.checkReannotation(t, r, time.Now(), picture.Erased)
		checkUnchanged(t)
	})
	t.Run("tombstone_is_never_overwritten_by_a_rejection", func(t *testing.T) {
		c.checkPersist(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone}, nil, "run"), picture.Erased)
		checkUnchanged(t)
	})
	t.Run("object_of_unknown_version_gets_a_delete_marker", func(t *testing.T) {
		p := c.uploadPhoto(t)
		p.VersionID = ""
		if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
			t.Fatal(err)
		}
		c.checkPersist(t, p.AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run"), picture.Erased)
		if code := c.objectError(t, p); code != "NoSuchKey" {
			t.Errorf("S3 returned %q, want NoSuchKey", code)
		}
	})
}

func newRecord(t *testing.T) picture.Record {
	t.Helper()
	at := time.Now().UTC()
	steps := []picture.Step{
		{Name: picture.PresignStep, Cloud: picture.AWS, Status: picture.StepDone, Attempt: 1, StartedAt: at, FinishedAt: at},
		{Name: picture.AnnotateStep, Cloud: picture.Google, Status: picture.StepDone, Attempt: 7, StartedAt: at, FinishedAt: at},
	}
	p := newPicture(t)
	p.VersionID = "version"
	return p.AnnotatedRecord(json.RawMessage(`{"labelAnnotations":[{"description":"<b>","score":0.97000001}]}`), at, steps, "run")
}

func newRejection(t *testing.T) picture.Record {
	t.Helper()
	return newPicture(t).RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone}, nil, "run")
}

func (c *clouds) checkPersist(t *testing.T, r picture.Record, status picture.Status) {
	t.Helper()
	c.checkReannotation(t, r, time.Time{}, status)
}

func (c *clouds) checkReannotation(t *testing.T, r picture.Record, before time.Time, status picture.Status) {
	t.Helper()
	got, err := execute[picture.Outcome](t, c, picture.PersistStep, PersistInput{Record: r, ReannotateBefore: before})
	if want := (picture.Outcome{ID: r.ID, Status: status}); err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
}

func (c *clouds) storedRecord(t *testing.T, id picture.ID) picture.Record {
	t.Helper()
	r, _, err := c.Records.Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (c *clouds) checkNoRecord(t *testing.T, id picture.ID) {
	t.Helper()
	if _, _, err := c.Records.Read(t.Context(), id); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func checkRecord(t *testing.T, got, want picture.Record) {
	t.Helper()
	var gotAnnotation, wantAnnotation any
	if err := errors.Join(json.Unmarshal(got.Annotation, &gotAnnotation), json.Unmarshal(want.Annotation, &wantAnnotation)); err != nil {
		t.Fatal(err)
	}
	got.Annotation, want.Annotation = nil, nil
	if !reflect.DeepEqual(gotAnnotation, wantAnnotation) || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v\nwant %+v %v", got, gotAnnotation, want, wantAnnotation)
	}
}
