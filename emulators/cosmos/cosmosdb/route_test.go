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
		{"patch_is_501", "patching documents (PATCH /dbs/*/colls/*/docs/*)", func() error {
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
		{"reading_the_throughput_is_501", "querying throughput (offers)", func() error {
			_, err := items.ReadThroughput(t.Context(), nil)
			return err
		}},
		{"reading_the_feed_ranges_is_501", "listing partition key ranges", func() error {
			_, err := items.ReadFeedRanges(t.Context(), nil)
			return err
		}},
		{"upsert_is_501", "upserts", func() error {
			_, err := items.UpsertItem(t.Context(), partition("a"), item("a"), nil)
			return err
		}},
		{"deleting_a_document_is_501", "deleting documents", func() error {
			_, err := items.DeleteItem(t.Context(), partition("a"), "a", nil)
			return err
		}},
		{"replacing_a_container_is_501", "replacing containers", func() error {
			_, err := items.Replace(t.Context(), containerProperties("c"), nil)
			return err
		}},
		{"deleting_a_container_is_501", "deleting containers", func() error {
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
	for _, c := range []struct{ method, path, contentType, feature string }{
		{"GET", "/dbs", "", "listing databases"},
		{"DELETE", "/dbs/db", "", "deleting databases"},
		{"GET", "/dbs/db/colls", "", "listing containers"},
		{"GET", "/dbs/db/colls/c/docs", "", "listing documents"},
		{"POST", "/dbs/db/colls/c/docs", "application/query+json", "queries"},
		{"POST", "/dbs", "application/query+json", "queries"},
		{"GET", "/dbs/db/users", "", "listing users"},
		{"GET", "/dbs/db/colls/c/sprocs/s", "", "reading stored procedures"},
		{"POST", "/dbs/db/colls/c/sprocs/s", "", "executing stored procedures"},
		{"POST", "/dbs/db/colls/c/udfs", "", "creating user-defined functions"},
		{"GET", "/offers", "", "listing throughput (offers)"},
		{"HEAD", "/dbs/db/colls/c/docs/a", "", ""},
		{"GET", "/foo", "", "the operation GET /foo"},
		{"GET", "/foo/bar", "", "the operation GET /foo/*"},
	} {
		t.Run(c.method+"_of_"+strings.ReplaceAll(c.path[1:], "/", "_")+strings.ReplaceAll(c.contentType, "/", "_")+"_is_501_that_names_the_operation", func(t *testing.T) {
			res, text := e.send(t, c.method, c.path, "", map[string]string{"Content-Type": c.contentType})
			if res.StatusCode != 501 || c.feature != "" && !strings.Contains(text, "does not support "+c.feature) {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
	t.Run("change_feed_is_501", func(t *testing.T) { // azcosmos lists the partition key ranges first, so it does not come so far
		res, text := e.send(t, "GET", "/dbs/db/colls/c/docs", "", map[string]string{"A-IM": "Incremental feed", "If-None-Match": "*"})
		if res.StatusCode != 501 || !strings.Contains(text, "does not support change feeds") {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("header_with_the_value_False_is_ignored", func(t *testing.T) {
		if res, text := e.send(t, "GET", "/dbs/db", "", map[string]string{"x-ms-documentdb-isquery": "False"}); res.StatusCode != 200 {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("identity_with_roles_learns_which_operation_is_missing", func(t *testing.T) {
		key := newKey()
		if err := e.AdmitKey(key, DataContributor); err != nil {
			t.Fatal(err)
		}
		limited, err := connect(t, e.endpoint, key).NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		_, err = limited.DeleteItem(t.Context(), partition("a"), "a", nil)
		if statusOf(err) != 501 || !strings.Contains(err.Error(), "deleting documents") {
			t.Error(err)
		}
	})
	t.Run("identity_without_rights_to_documents_gets_501_and_no_injected_fault", func(t *testing.T) {
		key := newKey()
		if err := e.AdmitKey(key, Role{Actions: []string{ReadMetadata}}); err != nil {
			t.Fatal(err)
		}
		limited, err := connect(t, e.endpoint, key).NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		e.SetFault(Fault{Status: 403, Times: 1})
		_, err = limited.DeleteItem(t.Context(), partition("a"), "a", nil)
		expectStatus(t, "delete", err, 501)
		_, err = items.ReadItem(t.Context(), partition("a"), "a", nil)
		expectStatus(t, "read with the master key", err, 403)
	})
	t.Run("If-None-Match_is_501", func(t *testing.T) {
		res, text := e.send(t, "GET", "/dbs/db/colls/c/docs/a", "", map[string]string{partitionKeyHeader: `["a"]`, "If-None-Match": "*"})
		if res.StatusCode != 501 || !strings.Contains(text, "does not support conditional reads with If-None-Match") {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
}
