package cosmosdb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// What is missing is named, so that nobody looks for a mistake of their own.
func TestMissing(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	if _, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		word string
		do   func() error
	}{
		{"a_query_is_501", "queries", func() error {
			_, err := items.NewQueryItemsPager("SELECT * FROM c", pk("p"), nil).NextPage(t.Context())
			return err
		}},
		{"a_patch_is_501", "patching", func() error {
			var p azcosmos.PatchOperations
			p.AppendSet("/label", "cat")
			_, err := items.PatchItem(t.Context(), pk("p"), "a", p, nil)
			return err
		}},
		{"a_batch_is_501", "transactional batches", func() error {
			b := items.NewTransactionalBatch(pk("p"))
			b.CreateItem([]byte(`{"id":"b","pk":"p"}`), nil)
			_, err := items.ExecuteTransactionalBatch(t.Context(), b, nil)
			return err
		}},
		{"throughput_is_501", "throughput offers", func() error {
			_, err := items.ReadThroughput(t.Context(), nil)
			return err
		}},
		{"feed_ranges_are_501", "partition key ranges", func() error {
			_, err := items.ReadFeedRanges(t.Context(), nil)
			return err
		}},
		{"a_trigger_is_501", "triggers", func() error {
			_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"b","pk":"p"}`), &azcosmos.ItemOptions{PreTriggers: []string{"check"}})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.do()
			want(t, c.word, err, http.StatusNotImplemented)
			if err == nil || !strings.Contains(err.Error(), "has no "+c.word) {
				t.Errorf("the error does not name %q: %v", c.word, err)
			}
		})
	}
	for path, word := range map[string]string{
		"/dbs": "listing", "/dbs/db/colls": "listing", "/dbs/db/colls/c/docs": "listing",
		"/dbs/db/users": "users", "/dbs/db/colls/c/pkranges": "partition key ranges", "/dbs/db/colls/c/sprocs/s": "stored procedures", "/foo": "listing", "/foo/bar": "GET on",
		"/offers": "throughput offers",
	} {
		t.Run(strings.ReplaceAll(path, "/", "_")+"_is_501", func(t *testing.T) {
			answer, text := w.raw(t, "GET", path, "", nil)
			if answer.StatusCode != 501 || !strings.Contains(text, "has no "+word) {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
	t.Run("HEAD_is_501", func(t *testing.T) {
		if answer, _ := w.raw(t, "HEAD", "/dbs/db", "", nil); answer.StatusCode != 501 {
			t.Errorf("%d", answer.StatusCode)
		}
	})
}
