package cosmosdb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestUnsupported(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)
	if _, err := items.CreateItem(t.Context(), partition("a"), item("a"), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		feature string
		call    func() error
	}{
		{"query_is_501", "queries", func() error {
			_, err := items.NewQueryItemsPager("SELECT * FROM c", partition("a"), nil).NextPage(t.Context())
			return err
		}},
		{"patch_is_501", "PATCH /dbs/*/colls/*/docs/*", func() error {
			var p azcosmos.PatchOperations
			p.AppendSet("/label", "cat")
			_, err := items.PatchItem(t.Context(), partition("a"), "a", p, nil)
			return err
		}},
		{"transactional_batch_is_501", "transactional batches", func() error {
			b := items.NewTransactionalBatch(partition("a"))
			b.CreateItem([]byte(`{"id":"a"}`), nil)
			_, err := items.ExecuteTransactionalBatch(t.Context(), b, nil)
			return err
		}},
		{"reading_the_throughput_is_501", "queries", func() error {
			_, err := items.ReadThroughput(t.Context(), nil)
			return err
		}},
		{"reading_the_feed_ranges_is_501", "change feeds", func() error {
			_, err := items.ReadFeedRanges(t.Context(), nil)
			return err
		}},
		{"upsert_is_501", "upserts", func() error {
			_, err := items.UpsertItem(t.Context(), partition("a"), item("a"), nil)
			return err
		}},
		{"deleting_a_document_is_501", "DELETE /dbs/*/colls/*/docs/*", func() error {
			_, err := items.DeleteItem(t.Context(), partition("a"), "a", nil)
			return err
		}},
		{"replacing_a_container_is_501", "PUT /dbs/*/colls/*", func() error {
			_, err := items.Replace(t.Context(), containerProperties("c"), nil)
			return err
		}},
		{"deleting_a_container_is_501", "DELETE /dbs/*/colls/*", func() error {
			_, err := items.Delete(t.Context(), nil)
			return err
		}},
		{"trigger_is_501", "triggers", func() error {
			_, err := items.CreateItem(t.Context(), partition("a"), []byte(`{"id":"a"}`), &azcosmos.ItemOptions{PreTriggers: []string{"check"}})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.call()
			expectStatus(t, c.feature, err, http.StatusNotImplemented)
			if err == nil || !strings.Contains(err.Error(), "does not support "+c.feature) {
				t.Errorf("the error does not name %q: %v", c.feature, err)
			}
		})
	}
	for _, path := range []string{
		"/dbs", "/dbs/db/colls", "/dbs/db/colls/c/docs", "/dbs/db/users", "/dbs/db/colls/c/pkranges", "/dbs/db/colls/c/sprocs/s",
		"/foo", "/foo/bar", "/offers",
	} {
		t.Run("GET_of_"+strings.ReplaceAll(path[1:], "/", "_")+"_is_501", func(t *testing.T) {
			res, text := e.send(t, "GET", path, "", nil)
			if res.StatusCode != 501 || !strings.Contains(text, "does not support GET ") {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
	t.Run("If-None-Match_is_501", func(t *testing.T) {
		res, text := e.send(t, "GET", "/dbs/db/colls/c/docs/a", "", map[string]string{partitionKeyHeader: `["a"]`, "If-None-Match": "*"})
		if res.StatusCode != 501 || !strings.Contains(text, "does not support If-None-Match") {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("HEAD_is_501", func(t *testing.T) {
		if res, _ := e.send(t, "HEAD", "/dbs/db", "", nil); res.StatusCode != 501 {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}
