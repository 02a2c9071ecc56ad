package cosmosdb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestDatabase(t *testing.T) {
	w := serve(t)
	create := func(id string) error {
		_, err := w.client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: id}, nil)
		return err
	}
	db, err := w.client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Read(t.Context(), nil)
	want(t, "read before it is made", err, 404)
	want(t, "create", create("db"), 0)
	want(t, "create again", create("db"), 409)
	answer, err := db.Read(t.Context(), nil)
	want(t, "read", err, 0)
	if p := answer.DatabaseProperties; p.ID != "db" || p.ResourceID == "" || p.SelfLink == "" || p.ETag == nil || p.LastModified.IsZero() {
		t.Errorf("properties %+v", p)
	}
	_, err = db.Delete(t.Context(), nil)
	want(t, "delete", err, 0)
	_, err = db.Delete(t.Context(), nil)
	want(t, "delete again", err, 404)
	for _, id := range []string{"", "a/b", `a\b`, "a?b", "a#b", strings.Repeat("é", 512)} {
		answer, text := w.raw(t, "POST", "/dbs", string(object{{"id", quote(id)}}.encode()), nil)
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("create database %.20q: %d %s", id, answer.StatusCode, text)
		}
	}
}

func TestContainer(t *testing.T) {
	w := serve(t)
	never := int32(-1)
	items := w.items(t, &never)
	db, err := w.client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.CreateContainer(t.Context(), containerOf("c", nil), nil)
	want(t, "create again", err, 409)
	answer, err := items.Read(t.Context(), nil)
	want(t, "read", err, 0)
	p := answer.ContainerProperties
	if p.ID != "c" || p.PartitionKeyDefinition.Paths[0] != "/pk" || p.DefaultTimeToLive == nil || *p.DefaultTimeToLive != -1 {
		t.Errorf("properties %+v", p)
	}
	if p.ResourceID == "" || p.SelfLink == "" || p.ETag == nil || answer.ETag != *p.ETag {
		t.Errorf("system properties %+v", p)
	}

	t.Run("replace_changes_the_default_ttl", func(t *testing.T) {
		hour := int32(3600)
		_, err := items.Replace(t.Context(), containerOf("c", &hour), nil)
		want(t, "replace", err, 0)
		answer, err := items.Read(t.Context(), nil)
		want(t, "read", err, 0)
		if got := answer.ContainerProperties.DefaultTimeToLive; got == nil || *got != 3600 {
			t.Errorf("ttl %v", got)
		}
		if answer.ContainerProperties.ResourceID != p.ResourceID {
			t.Error("the resource ID changed")
		}
	})
	t.Run("replace_of_the_partition_key_is_400", func(t *testing.T) {
		other := containerOf("c", nil)
		other.PartitionKeyDefinition.Paths = []string{"/other"}
		_, err := items.Replace(t.Context(), other, nil)
		want(t, "replace", err, 400)
	})
	t.Run("a_stale_etag_is_412", func(t *testing.T) {
		answer, text := w.raw(t, "DELETE", "/dbs/db/colls/c", "", map[string]string{"If-Match": string(*p.ETag)})
		if answer.StatusCode != 412 {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	})
	for name, body := range map[string]string{
		"no_partition_key_is_400":        `{"id":"d"}`,
		"no_id_is_400":                   `{"partitionKey":{"paths":["/pk"]}}`,
		"a_path_without_slash_is_400":    `{"id":"d","partitionKey":{"paths":["pk"]}}`,
		"paths_that_are_no_array_is_400": `{"id":"d","partitionKey":{"paths":"pk"}}`,
		"a_ttl_of_0_is_400":              `{"id":"d","defaultTtl":0,"partitionKey":{"paths":["/pk"]}}`,
		"two_paths_is_501":               `{"id":"d","partitionKey":{"paths":["/a","/b"]}}`,
		"unique_keys_is_501":             `{"id":"d","partitionKey":{"paths":["/a"]},"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/x"]}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			answer, text := w.raw(t, "POST", "/dbs/db/colls", body, nil)
			if !strings.HasSuffix(name, answer.Status[:3]) {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
	t.Run("a_deleted_container_takes_its_documents_along", func(t *testing.T) {
		_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil)
		want(t, "create item", err, 0)
		_, err = items.Delete(t.Context(), nil)
		want(t, "delete", err, 0)
		_, err = items.ReadItem(t.Context(), pk("p"), "a", nil)
		want(t, "read item", err, 404)
		_, err = items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil)
		want(t, "create item without container", err, 404)
		_, err = db.CreateContainer(t.Context(), containerOf("c", nil), nil)
		want(t, "create container", err, 0)
		_, err = items.ReadItem(t.Context(), pk("p"), "a", nil)
		want(t, "read item of the container before", err, 404)
	})
}
