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

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"go.temporal.io/sdk/testsuite"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/records"
	"triptych/picture"
)

func TestPersist(t *testing.T) {
	c := open(t)
	t.Run("keeps_the_Record_as_it_was_given_with_its_own_step_last", func(t *testing.T) {
		r := someRecord(t)
		before := time.Now()
		c.keeps(t, r, picture.Annotated)
		kept := c.kept(t, r.ID)
		own := kept.Steps[len(kept.Steps)-1]
		if own.StartedAt.Before(before) || own.StartedAt.After(time.Now()) || !own.FinishedAt.IsZero() {
			t.Errorf("it ran from %s to %s, which it cannot know", own.StartedAt, own.FinishedAt)
		}
		r.Steps = append(r.Steps, picture.Step{Name: picture.PersistStep, Cloud: "azure", Status: picture.StepDone,
			Attempt: 1, StartedAt: own.StartedAt})
		same(t, kept, r)
	})
	t.Run("keeps_why_a_picture_was_rejected", func(t *testing.T) {
		why := picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage, Message: "Google cannot read this as a picture"}
		r := somePicture(t).RejectedRecord(why, nil, "run")
		c.keeps(t, r, picture.Rejected)
		if kept := c.kept(t, r.ID); kept.Rejection == nil || *kept.Rejection != why {
			t.Errorf("kept %+v", kept.Rejection)
		}
	})
	t.Run("again_changes_nothing", func(t *testing.T) {
		r := someRecord(t)
		c.keeps(t, r, picture.Annotated)
		first := c.kept(t, r.ID)
		c.keeps(t, r, picture.Annotated)
		same(t, c.kept(t, r.ID), first)
	})
	t.Run("of_a_later_run_tells_how_the_first_one_ended", func(t *testing.T) {
		r := someRecord(t)
		c.keeps(t, r, picture.Annotated)
		first := c.kept(t, r.ID)
		later := r
		later.Status, later.RunID, later.Annotation = picture.Rejected, "later", nil
		c.keeps(t, later, picture.Annotated)
		same(t, c.kept(t, r.ID), first)
	})
	t.Run("of_a_Record_that_vanishes_in_between_is_tried_again", func(t *testing.T) {
		r := someRecord(t)
		c.azure.SetFault(cosmosdb.Fault{Status: 409, Times: 1})
		_, err := c.persist(t, r)
		fails(t, err, picture.Unavailable)
		c.keeps(t, r, picture.Annotated)
	})
	t.Run("of_too_large_a_Record_keeps_nothing", func(t *testing.T) {
		r := someRecord(t)
		r.Annotation = json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`)
		_, err := c.persist(t, r)
		fails(t, err, picture.TooLarge)
		if _, _, err := c.Records.Read(t.Context(), r.ID); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
	})
	t.Run("again_replaces_the_Record_of_before", func(t *testing.T) {
		for name, first := range map[string]picture.Record{"annotated": someRecord(t), "rejected": someRejection(t)} {
			c.keeps(t, first, first.Status)
			anew := first
			anew.Status, anew.Rejection, anew.RunID, anew.Annotation = picture.Annotated, nil, "anew", json.RawMessage(`{"textAnnotations":[]}`)
			c.keepsAgain(t, anew, time.Now(), picture.Annotated)
			replaced := c.kept(t, first.ID)
			if replaced.Status != picture.Annotated || replaced.RunID != "anew" || !strings.Contains(string(replaced.Annotation), "text") {
				t.Errorf("what was %s is now %+v", name, replaced)
			}
			late := first
			late.RunID = "late"
			c.keepsAgain(t, late, time.Now().Add(-time.Hour), picture.Annotated)
			same(t, c.kept(t, first.ID), replaced)
		}
	})
	t.Run("again_keeps_what_was_seen_when_it_cannot_be_seen_again", func(t *testing.T) {
		r := someRecord(t)
		c.keeps(t, r, picture.Annotated)
		first := c.kept(t, r.ID)
		gone := someRejection(t)
		gone.ID = r.ID
		began := time.Now()
		c.keepsAgain(t, gone, began, picture.Annotated)
		dated := c.kept(t, r.ID)
		if dated.OlderThan(began) {
			t.Errorf("a sweep that began at %v would pay for another look: %+v", began, dated.Steps)
		}
		dated.ReannotationRejectedAt = first.ReannotationRejectedAt
		same(t, dated, first)
	})
	for name, fault := range map[string]cosmosdb.Fault{
		"a_408":            {Status: 408, AfterApply: true, Times: 1},
		"a_503":            {Status: 503, AfterApply: true, Times: 1},
		"a_cut_connection": {AfterApply: true, Times: 1},
	} {
		t.Run("whose_answer_was_lost_in_"+name+"_succeeds_when_it_is_tried_again", func(t *testing.T) {
			r := someRecord(t)
			c.azure.SetFault(fault)
			_, err := c.persist(t, r)
			fails(t, err, picture.Unavailable)
			first := c.kept(t, r.ID)
			c.keeps(t, r, picture.Annotated)
			same(t, c.kept(t, r.ID), first)
		})
	}
}

func TestPersistByFiftyAtOnce(t *testing.T) {
	const many = 50
	c := open(t)
	one := someRecord(t)
	runs := map[string]bool{}
	var group sync.WaitGroup
	for i := range many {
		r, own := one, someRecord(t)
		r.RunID = fmt.Sprint("run ", i)
		runs[r.RunID] = true
		group.Go(func() {
			for _, r := range []picture.Record{r, own} {
				got, err := c.persist(t, r)
				if want := (picture.Outcome{ID: r.ID, Status: picture.Annotated}); err != nil || got != want {
					t.Errorf("%+v, %v, want %+v", got, err, want)
				}
			}
			if kept, _, err := c.Records.Read(t.Context(), own.ID); err != nil || kept.ID != own.ID {
				t.Errorf("a picture of its own: %v", err)
			}
		})
	}
	group.Wait()
	t.Run("keeps_the_Record_of_one_of_them_whole", func(t *testing.T) {
		kept := c.kept(t, one.ID)
		if !runs[kept.RunID] || len(kept.Steps) != len(one.Steps)+1 {
			t.Errorf("run %q, steps %+v", kept.RunID, kept.Steps)
		}
	})
}

func TestPersistErasedPicture(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	r := p.AnnotatedRecord(json.RawMessage(`{"faceAnnotations":[]}`), time.Now(), nil, "run")
	if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
		t.Fatal(err)
	}
	_, before, err := c.Records.Read(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	tombstoneStands := func(t *testing.T) {
		t.Helper()
		kept, etag, err := c.Records.Read(t.Context(), p.ID)
		if err != nil || etag != before || !reflect.DeepEqual(kept, picture.Tombstone(p.ID)) {
			t.Errorf("the tombstone is now %+v, %s, %v", kept, etag, err)
		}
	}
	t.Run("waits_until_its_object_can_be_deleted", func(t *testing.T) {
		breakS3(t, `{"status":503,"code":"SlowDown"}`)
		_, err := c.persist(t, r)
		fails(t, err, picture.Throttled)
		tombstoneStands(t)
	})
	t.Run("stays_erased_and_its_object_is_deleted", func(t *testing.T) {
		c.keeps(t, r, picture.Erased)
		tombstoneStands(t)
		if left := c.versions(t, p.ID); len(left) != 0 {
			t.Errorf("%q are left", left)
		}
	})
	t.Run("again_changes_nothing", func(t *testing.T) {
		c.keeps(t, r, picture.Erased)
		tombstoneStands(t)
	})
	t.Run("stays_erased_when_it_is_annotated_again", func(t *testing.T) {
		c.keepsAgain(t, r, time.Now(), picture.Erased)
		tombstoneStands(t)
	})
	t.Run("is_not_rejected_either", func(t *testing.T) {
		c.keeps(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone}, nil, "run"), picture.Erased)
		tombstoneStands(t)
	})
	t.Run("whose_version_is_unknown_is_hidden", func(t *testing.T) {
		p := c.upload(t, somePicture(t), photograph(t))
		p.VersionID = ""
		if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
			t.Fatal(err)
		}
		c.keeps(t, p.AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run"), picture.Erased)
		if code := c.lookFor(t, p); code != "NoSuchKey" {
			t.Errorf("S3 answers %q, want NoSuchKey", code)
		}
	})
}

// Temporal may know of an erasure that has not come to its tombstone yet.
func TestPersistBuriesWhatIsBeingErased(t *testing.T) {
	c := open(t)
	p := c.upload(t, somePicture(t), photograph(t))
	rejected := p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.WasErased}, nil, "run")
	for _, outcome := range []string{"no_Record_is_kept_but_the_tombstone", "again_changes_nothing"} {
		t.Run(outcome, func(t *testing.T) {
			c.keeps(t, rejected, picture.Erased)
			if kept, _, err := c.Records.Read(t.Context(), p.ID); err != nil || !reflect.DeepEqual(kept, picture.Tombstone(p.ID)) {
				t.Errorf("kept %+v, %v", kept, err)
			}
			if left := c.versions(t, p.ID); len(left) != 0 {
				t.Errorf("%q are left", left)
			}
		})
	}
	t.Run("a_Record_of_before_makes_room_for_it", func(t *testing.T) {
		p := c.upload(t, somePicture(t), photograph(t))
		c.keeps(t, p.AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run"), picture.Annotated)
		c.keeps(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.WasErased}, nil, "run"), picture.Erased)
	})
}

// Cosmos DB said when to come back, and is not asked before.
func TestPersistNotBefore(t *testing.T) {
	c := open(t)
	r := someRecord(t)
	t.Run("that_time_waits_for_it", func(t *testing.T) {
		_, err := take[picture.Outcome](t, c.Activities, picture.PersistStep, PersistInput{Record: r, NotBefore: time.Now().Add(time.Hour)})
		patience := fails(t, err, picture.Throttled).NextRetryDelay()
		if patience > time.Hour || patience < 59*time.Minute {
			t.Errorf("the next attempt comes after %s", patience)
		}
		if _, _, err := c.Records.Read(t.Context(), r.ID); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("the Record is there, or: %v", err)
		}
	})
	t.Run("that_time_is_hurried_by_a_reset", func(t *testing.T) {
		hurried := someRecord(t)
		got, err := take[picture.Outcome](t, c.Activities, picture.PersistStep, PersistInput{Record: hurried, NotBefore: time.Now().Add(time.Hour)},
			func(env *testsuite.TestActivityEnvironment) { env.SetHeartbeatDetails(time.Now()) }) // of the attempt before
		if err != nil || got.Status != picture.Annotated {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("that_time_once_it_has_come_writes", func(t *testing.T) {
		got, err := take[picture.Outcome](t, c.Activities, picture.PersistStep, PersistInput{Record: r, NotBefore: time.Now()})
		if err != nil || got.Status != picture.Annotated {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func someRecord(t *testing.T) picture.Record {
	t.Helper()
	at := time.Now().UTC()
	steps := []picture.Step{
		{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: 1, StartedAt: at, FinishedAt: at},
		{Name: picture.AnnotateStep, Cloud: "google", Status: picture.StepDone, Attempt: 7, StartedAt: at, FinishedAt: at},
	}
	p := somePicture(t)
	p.VersionID = "version"
	return p.AnnotatedRecord(json.RawMessage(`{"labelAnnotations":[{"description":"<b>","score":0.97000001}]}`), at, steps, "run")
}

func someRejection(t *testing.T) picture.Record {
	t.Helper()
	return somePicture(t).RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone}, nil, "run")
}

// keepsAgain has r persisted in the place of a Record from before again, and expects that status of the picture.
func (c *clouds) keepsAgain(t *testing.T, r picture.Record, again time.Time, status picture.Status) {
	t.Helper()
	got, err := take[picture.Outcome](t, c.Activities, picture.PersistStep, PersistInput{Record: r, ReannotateBefore: again})
	if want := (picture.Outcome{ID: r.ID, Status: status}); err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
}

// keeps has r persisted, and expects that status of the picture.
func (c *clouds) keeps(t *testing.T, r picture.Record, status picture.Status) {
	t.Helper()
	got, err := c.persist(t, r)
	if want := (picture.Outcome{ID: r.ID, Status: status}); err != nil || got != want {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
}

func (c *clouds) kept(t *testing.T, id picture.ID) picture.Record {
	t.Helper()
	r, _, err := c.Records.Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// same compares Records, of whose annotations only the meaning counts.
func same(t *testing.T, got, want picture.Record) {
	t.Helper()
	var g, w any
	if err := errors.Join(json.Unmarshal(got.Annotation, &g), json.Unmarshal(want.Annotation, &w)); err != nil {
		t.Fatal(err)
	}
	got.Annotation, want.Annotation = nil, nil
	if !reflect.DeepEqual(g, w) || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v\nwant %+v %v", got, g, want, w)
	}
}

// lookFor is S3's error code for p, "" when it is there.
func (c *clouds) lookFor(t *testing.T, p picture.Picture) string {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}
	if p.VersionID != "" {
		in.VersionId = &p.VersionID
	}
	answer, err := c.S3.GetObject(t.Context(), in)
	if err == nil {
		answer.Body.Close()
		return ""
	}
	failure, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	return failure.ErrorCode()
}
