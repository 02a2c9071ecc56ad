package activities

import (
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/temporal"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestBury(t *testing.T) {
	c := open(t)
	buries := func(t *testing.T, id picture.ID) {
		t.Helper()
		if err := c.bury(t, id); err != nil {
			t.Fatal(err)
		}
		if kept := c.kept(t, id); !reflect.DeepEqual(kept, picture.Tombstone(id)) {
			t.Errorf("kept %+v, want a tombstone", kept)
		}
	}
	t.Run("before_there_is_a_Record", func(t *testing.T) { buries(t, somePicture(t).ID) })
	t.Run("in_the_place_of_a_Record", func(t *testing.T) {
		r := someRecord(t)
		c.keeps(t, r, picture.Annotated)
		buries(t, r.ID)
	})
	t.Run("again_changes_nothing", func(t *testing.T) {
		p := somePicture(t)
		buries(t, p.ID)
		_, before, err := c.Records.Read(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		buries(t, p.ID)
		if _, after, err := c.Records.Read(t.Context(), p.ID); err != nil || after != before {
			t.Errorf("ETag %s, was %s, %v", after, before, err)
		}
	})
	t.Run("of_a_Record_that_vanishes_in_between_is_tried_again", func(t *testing.T) {
		p := somePicture(t)
		c.azure.SetFault(cosmosdb.Fault{Status: 409, Times: 1})
		fails(t, c.bury(t, p.ID), picture.Unavailable)
		buries(t, p.ID)
	})
	t.Run("without_permission_is_waited_for", func(t *testing.T) {
		c.azure.SetFault(cosmosdb.Fault{Status: 403, Times: 1})
		fails(t, c.bury(t, somePicture(t).ID), picture.Forbidden)
	})
	for what, again := range map[string]bool{"Persist": false, "an_annotation_that_is_made_again": true} {
		t.Run("has_the_last_word_against_"+what, func(t *testing.T) { testLastWord(t, c, again) })
	}
}

func testLastWord(t *testing.T, c *clouds, again bool) {
	for range 20 {
		in := PersistInput{Record: c.upload(t, somePicture(t), []byte("picture")).AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run")}
		if again {
			c.keeps(t, in.Record, picture.Annotated)
			in.ReannotateBefore = time.Now()
		}
		untilDone := func(do func() error) {
			for err := do(); err != nil; err = do() {
				if failure, ok := err.(*temporal.ApplicationError); !ok || failure.NonRetryable() {
					t.Error(err)
					return
				}
			}
		}
		var both sync.WaitGroup
		both.Go(func() {
			untilDone(func() error {
				_, err := take[picture.Outcome](t, c.Activities, picture.PersistStep, in)
				return err
			})
		})
		both.Go(func() { untilDone(func() error { return c.bury(t, in.ID) }) })
		both.Wait()
		if kept := c.kept(t, in.ID); !reflect.DeepEqual(kept, picture.Tombstone(in.ID)) {
			t.Fatalf("kept %+v, want a tombstone", kept)
		}
	}
}

func TestDelete(t *testing.T) {
	c := open(t)
	deletes := func(t *testing.T, id picture.ID) {
		t.Helper()
		if err := c.delete(t, id); err != nil {
			t.Fatal(err)
		}
		if left := c.versions(t, id); len(left) != 0 {
			t.Errorf("%q are left", left)
		}
	}
	t.Run("takes_every_version_and_delete_marker_of_every_ending", func(t *testing.T) {
		p := c.upload(t, somePicture(t), []byte("first"))
		c.upload(t, p, []byte("second"))
		hidden := p
		hidden.VersionID = ""
		c.remove(t, hidden)
		c.upload(t, p, []byte("third"))
		png := p
		png.Key = picture.Prefix + string(p.ID) + ".png"
		c.upload(t, png, []byte("fourth"))
		if there := c.versions(t, p.ID); len(there) != 5 {
			t.Fatalf("%q are there, want 5 to delete", there)
		}
		deletes(t, p.ID)
	})
	t.Run("again_is_nothing_to_do", func(t *testing.T) {
		p := c.upload(t, somePicture(t), []byte("picture"))
		deletes(t, p.ID)
		deletes(t, p.ID)
	})
	t.Run("leaves_the_others_alone", func(t *testing.T) {
		mine, theirs := c.upload(t, somePicture(t), []byte("mine")), c.upload(t, somePicture(t), []byte("theirs"))
		deletes(t, mine.ID)
		if code := c.lookFor(t, theirs); code != "" {
			t.Errorf("another picture went too: %s", code)
		}
	})
	t.Run("goes_on_where_S3_failed", func(t *testing.T) {
		p := c.upload(t, somePicture(t), []byte("first"))
		c.upload(t, p, []byte("second"))
		breakS3(t, `{"status":503,"code":"SlowDown","operations":["DeleteObject"],"times":1}`)
		fails(t, c.delete(t, p.ID), picture.Throttled)
		deletes(t, p.ID)
	})
	t.Run("waits_for_S3_to_list_them", func(t *testing.T) {
		breakS3(t, `{"status":500,"code":"InternalError","operations":["ListObjectVersions"]}`)
		fails(t, c.delete(t, somePicture(t).ID), picture.Unavailable)
	})
}

func (c *clouds) bury(t *testing.T, id picture.ID) error {
	t.Helper()
	_, err := take[any](t, c.Activities, picture.WriteTombstoneActivity, id)
	return err
}

func (c *clouds) delete(t *testing.T, id picture.ID) error {
	t.Helper()
	_, err := take[any](t, c.Activities, picture.DeleteObjectActivity, id)
	return err
}

// versions is all that S3 has of a picture, delete markers too.
func (c *clouds) versions(t *testing.T, id picture.ID) []string {
	t.Helper()
	there, err := c.S3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{
		Bucket: &c.Bucket, Prefix: aws.String(picture.Prefix + string(id))})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, v := range there.Versions {
		keys = append(keys, aws.ToString(v.Key))
	}
	for _, m := range there.DeleteMarkers {
		keys = append(keys, aws.ToString(m.Key))
	}
	return keys
}
