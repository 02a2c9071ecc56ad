package cosmosdb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"golang.org/x/sync/errgroup"
)

func TestDatabase(t *testing.T) {
	e := newEmulator(t)
	create := func() error {
		_, err := e.client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: "db"}, nil)
		return err
	}
	database, err := e.client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("missing_database_is_404", func(t *testing.T) {
		_, err := database.Read(t.Context(), nil)
		expectStatus(t, "read", err, 404)
	})
	t.Run("created_database_has_system_properties", func(t *testing.T) {
		expectStatus(t, "create", create(), 0)
		read, err := database.Read(t.Context(), nil)
		expectStatus(t, "read", err, 0)
		if p := read.DatabaseProperties; p.ID != "db" || p.ResourceID == "" || p.SelfLink == "" || p.ETag == nil || p.LastModified.IsZero() {
			t.Errorf("properties %+v", p)
		}
	})
	t.Run("second_create_is_409", func(t *testing.T) { expectStatus(t, "create", create(), 409) })
	t.Run("invalid_id_is_400", func(t *testing.T) {
		for _, id := range []string{"", "a/b", `a\b`, "a?b", "a#b", strings.Repeat("é", 512)} {
			res, text := e.send(t, "POST", "/dbs", string(item(id)), nil)
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("create database %.20q: %d %s", id, res.StatusCode, text)
			}
		}
	})
}

func TestContainer(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)
	t.Run("second_create_is_409", func(t *testing.T) {
		database, err := e.client.NewDatabase("db")
		if err != nil {
			t.Fatal(err)
		}
		_, err = database.CreateContainer(t.Context(), containerProperties("c"), nil)
		expectStatus(t, "create", err, 409)
	})
	t.Run("created_container_has_its_own_and_system_properties", func(t *testing.T) {
		read, err := items.Read(t.Context(), nil)
		expectStatus(t, "read", err, 0)
		p := read.ContainerProperties
		if p.ID != "c" || p.PartitionKeyDefinition.Paths[0] != "/id" || p.DefaultTimeToLive == nil || *p.DefaultTimeToLive != -1 {
			t.Errorf("properties %+v", p)
		}
		if p.ResourceID == "" || p.SelfLink == "" || p.ETag == nil || read.ETag != *p.ETag {
			t.Errorf("system properties %+v", p)
		}
	})
	for _, c := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"missing_partition_key_is_400", `{"id":"d"}`, 400, "partitionKey.paths"},
		{"paths_that_are_not_an_array_are_400", `{"id":"d","partitionKey":{"paths":"/id"}}`, 400, "partitionKey.paths"},
		{"missing_id_is_400", `{"partitionKey":{"paths":["/id"]}}`, 400, "id"},
		{"partition_key_other_than_id_is_501", `{"id":"d","partitionKey":{"paths":["/pk"]}}`, 501, "partition keys other than /id"},
		{"hierarchical_partition_key_is_501", `{"id":"d","partitionKey":{"paths":["/id","/b"]}}`, 501, "partition keys other than /id"},
		{"default_TTL_of_an_hour_is_501", `{"id":"d","defaultTtl":3600,"partitionKey":{"paths":["/id"]}}`, 501, "defaultTtl 3600"},
		{"default_TTL_of_0_is_501", `{"id":"d","defaultTtl":0,"partitionKey":{"paths":["/id"]}}`, 501, "defaultTtl 0"},
		{"unique_keys_are_501", `{"id":"d","partitionKey":{"paths":["/id"]},"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/x"]}]}}`, 501, "uniqueKeyPolicy"},
		{"container_in_a_missing_database_is_404", `{"id":"d","partitionKey":{"paths":["/id"]}}`, 404, "Owner resource"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/dbs/db/colls"
			if c.status == 404 {
				path = "/dbs/missing/colls"
			}
			res, text := e.send(t, "POST", path, c.body, nil)
			if res.StatusCode != c.status || !strings.Contains(text, c.message) {
				t.Errorf("%d %s, want %d with %q", res.StatusCode, text, c.status, c.message)
			}
		})
	}
}

func TestProvision(t *testing.T) {
	e := newEmulator(t)
	t.Run("concurrent_calls_create_the_container_once", func(t *testing.T) {
		var group errgroup.Group
		for range 10 {
			group.Go(func() error { return e.Provision("db", "c") })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("container_has_the_partition_key_and_no_default_expiry", func(t *testing.T) {
		items, err := e.client.NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		read, err := items.Read(t.Context(), nil)
		expectStatus(t, "read", err, 0)
		p := read.ContainerProperties
		if p.PartitionKeyDefinition.Paths[0] != "/id" || p.DefaultTimeToLive == nil || *p.DefaultTimeToLive != -1 {
			t.Errorf("properties %+v, want partition key /id and ttl -1", p)
		}
	})
}
