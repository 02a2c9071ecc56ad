package activities

import (
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestDiscard(t *testing.T) {
	c := openClouds(t)
	checkDiscard := func(t *testing.T, p picture.Picture) {
		t.Helper()
		got, err := execute[picture.Outcome](t, c, picture.DiscardActivity, DiscardInput{Picture: p})
		if want := (picture.Outcome{ID: p.ID, Status: picture.Erased}); err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		c.checkTombstone(t, p.ID)
	}
	t.Run("missing_tombstone_is_written_and_the_version_is_deleted", func(t *testing.T) {
		p := c.uploadPhoto(t)
		checkDiscard(t, p)
		c.checkVersions(t, p.ID)
	})
	t.Run("second_call_changes_nothing", func(t *testing.T) {
		p := c.uploadPhoto(t)
		checkDiscard(t, p)
		_, before, err := c.Records.Read(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		checkDiscard(t, p)
		if _, after, err := c.Records.Read(t.Context(), p.ID); err != nil || after != before {
			t.Errorf("ETag %s, was %s, %v", after, before, err)
		}
	})
	t.Run("existing_Record_is_replaced_by_a_tombstone", func(t *testing.T) {
		p := c.uploadPhoto(t)
		c.checkPersist(t, p.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"), picture.Annotated)
		checkDiscard(t, p)
		c.checkVersions(t, p.ID)
	})
	t.Run("only_the_version_of_the_workflow_is_deleted", func(t *testing.T) {
		first := c.uploadPhoto(t)
		second := c.upload(t, first, []byte("second"))
		checkDiscard(t, first)
		c.checkVersions(t, first.ID, second.VersionID)
	})
	t.Run("throttled_tombstone_is_retried_as_Cosmos_DB_requests_and_the_object_remains", func(t *testing.T) {
		p := c.uploadPhoto(t)
		c.azure.SetFault(cosmosdb.Fault{Status: 429, RetryAfter: 5 * time.Second, Times: 1})
		_, err := execute[picture.Outcome](t, c, picture.DiscardActivity, DiscardInput{Picture: p})
		if got := checkFailure(t, err, picture.Throttled).NextRetryDelay(); got != 5*time.Second {
			t.Errorf("next retry after %s, want 5s", got)
		}
		c.checkVersions(t, p.ID, p.VersionID)
		checkDiscard(t, p)
	})
	t.Run("failed_deletion_of_the_object_is_retried_after_the_tombstone_was_written", func(t *testing.T) {
		p := c.uploadPhoto(t)
		gateway.Fail(t, `{"status":503,"code":"SlowDown","operations":["DeleteObject"],"times":1}`)
		_, err := execute[picture.Outcome](t, c, picture.DiscardActivity, DiscardInput{Picture: p})
		checkFailure(t, err, picture.Throttled)
		c.checkTombstone(t, p.ID)
		checkDiscard(t, p)
		c.checkVersions(t, p.ID)
	})
}
