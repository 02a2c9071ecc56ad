package activities

import (
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestWriteTombstone(t *testing.T) {
	c := openClouds(t)
	checkWrite := func(t *testing.T, id picture.ID) {
		t.Helper()
		if err := executeWriteTombstone(t, c, id); err != nil {
			t.Fatal(err)
		}
		c.checkTombstone(t, id)
	}
	t.Run("tombstone_is_created_without_a_Record", func(t *testing.T) { checkWrite(t, newPicture(t).ID) })
	t.Run("Record_is_replaced_by_a_tombstone", func(t *testing.T) {
		r := newRecord(t)
		c.checkPersist(t, r, picture.Annotated)
		checkWrite(t, r.ID)
	})
	t.Run("second_call_changes_nothing", func(t *testing.T) {
		p := newPicture(t)
		checkWrite(t, p.ID)
		_, before, err := c.Records.Read(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		checkWrite(t, p.ID)
		if _, after, err := c.Records.Read(t.Context(), p.ID); err != nil || after != before {
			t.Errorf("ETag %s, was %s, %v", after, before, err)
		}
	})
	t.Run("Record_that_is_deleted_between_create_and_read_is_retried", func(t *testing.T) {
		p := newPicture(t)
		c.azure.SetFault(cosmosdb.Fault{Status: 409, Times: 1})
		checkFailure(t, executeWriteTombstone(t, c, p.ID), picture.Unavailable)
		checkWrite(t, p.ID)
	})
	t.Run("missing_permission_waits_for_the_operator", func(t *testing.T) {
		c.azure.SetFault(cosmosdb.Fault{Status: 403, Times: 1})
		checkFailure(t, executeWriteTombstone(t, c, newPicture(t).ID), picture.Forbidden)
	})
	for name, reannotate := range map[string]bool{"persist": false, "reannotation": true} {
		t.Run("tombstone_remains_after_a_concurrent_"+name, func(t *testing.T) { testConcurrentTombstone(t, c, reannotate) })
	}
}

func testConcurrentTombstone(t *testing.T, c *clouds, reannotate bool) {
	for range 20 {
		in := PersistInput{Record: c.upload(t, newPicture(t), []byte("picture")).AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run")}
		if reannotate {
			c.checkPersist(t, in.Record, picture.Annotated)
			in.ReannotateBefore = time.Now()
		}
		retry := func(call func() error) {
			for err := call(); err != nil; err = call() {
				if failure, ok := err.(*temporal.ApplicationError); !ok || failure.NonRetryable() {
					t.Error(err)
					return
				}
			}
		}
		var group sync.WaitGroup
		group.Go(func() {
			retry(func() error {
				_, err := execute[picture.Outcome](t, c, picture.PersistStep, in)
				return err
			})
		})
		group.Go(func() { retry(func() error { return executeWriteTombstone(t, c, in.ID) }) })
		group.Wait()
		c.checkTombstone(t, in.ID)
	}
}

func executeWriteTombstone(t *testing.T, c *clouds, id picture.ID) error {
	t.Helper()
	_, err := execute[any](t, c, picture.WriteTombstoneActivity, id)
	return err
}

func (c *clouds) checkTombstone(t *testing.T, id picture.ID) {
	t.Helper()
	if stored := c.storedRecord(t, id); !reflect.DeepEqual(stored, picture.Tombstone(id)) {
		t.Fatalf("stored %+v, want a tombstone", stored)
	}
}
