package cosmosdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.etcd.io/bbolt"
)

// Provision creates a database and a container with the partition key /id, unless they exist.
func (s *Server) Provision(database, container string) error {
	for _, c := range []struct {
		create operation
		names  []string
		body   string
	}{
		{createDatabase, nil, fmt.Sprintf(`{"id":%q}`, database)},
		{createContainer, []string{database}, fmt.Sprintf(`{"id":%q,"partitionKey":{"paths":["/id"],"kind":"Hash"},"defaultTtl":-1}`, container)},
	} {
		body, id, err := parseBody([]byte(c.body))
		if err == nil {
			_, err = s.write(c.create, request{target: target{names: c.names}, body: body, id: id, now: s.now()})
		}
		if err != nil && !errors.Is(err, errConflict) {
			return fmt.Errorf("creating the container %s/%s: %w", database, container, err)
		}
	}
	return nil
}

func createDatabase(tx *bbolt.Tx, r request) (response, error) {
	database, number, err := addResource(tx.Bucket(databasesKey), r.id, containersKey)
	if err != nil {
		return response{}, err
	}
	rid := resourceID("", number, 4)
	stored := r.body.stamp(rid, "dbs/"+rid+"/", r.now, member{"_colls", quote("colls/")}, member{"_users", quote("users/")})
	res := propertiesResponse(http.StatusCreated, stored)
	return res, database.Put(propertiesKey, res.body)
}

func createContainer(tx *bbolt.Tx, r request) (response, error) {
	if err := checkContainer(r.body); err != nil {
		return response{}, err
	}
	database, err := openDatabase(tx, r.target)
	if err != nil {
		return response{}, errNoOwner
	}
	owner, err := parseObject(database.Get(propertiesKey))
	if err != nil {
		return response{}, err
	}
	container, number, err := addResource(database.Bucket(containersKey), r.id, documentsKey)
	if err != nil {
		return response{}, err
	}
	rid := resourceID(owner.text("_rid"), number, 4)
	stored := r.body.stamp(rid, owner.text("_self")+"colls/"+rid+"/", r.now, member{"_docs", quote("docs/")})
	res := propertiesResponse(http.StatusCreated, stored)
	return res, container.Put(propertiesKey, res.body)
}

// A container with any other property is refused. indexingPolicy has no effect, because the server does not support
// queries.
var supportedProperties = []string{"id", "partitionKey", "defaultTtl", "indexingPolicy"}

func checkContainer(properties object) error {
	for _, m := range properties {
		if !slices.Contains(systemProperties, m.name) && !slices.Contains(supportedProperties, m.name) {
			return unsupported("the container property " + m.name)
		}
	}
	var partitionKey struct{ Paths []string }
	if json.Unmarshal(properties.value("partitionKey"), &partitionKey) != nil || len(partitionKey.Paths) == 0 {
		return newError(http.StatusBadRequest, 0, "The container has no partitionKey.paths")
	}
	if !slices.Equal(partitionKey.Paths, []string{"/id"}) {
		return unsupported("partition keys other than /id")
	}
	if ttl := string(properties.value("defaultTtl")); ttl != "" && ttl != "null" && ttl != "-1" {
		return unsupported("expiry of documents: defaultTtl " + ttl)
	}
	return nil
}

func addResource(parent *bbolt.Bucket, id string, children []byte) (*bbolt.Bucket, uint64, error) {
	if err := checkResourceID(id); err != nil {
		return nil, 0, err
	}
	if parent.Bucket([]byte(id)) != nil {
		return nil, 0, errConflict
	}
	number, err := parent.NextSequence()
	if err != nil {
		return nil, 0, err
	}
	resource, err := parent.CreateBucket([]byte(id))
	if err != nil {
		return nil, 0, err
	}
	_, err = resource.CreateBucket(children)
	return resource, number, err
}

func readDatabase(tx *bbolt.Tx, r request) (response, error) {
	return readProperties(openDatabase(tx, r.target))
}

func readContainer(tx *bbolt.Tx, r request) (response, error) {
	return readProperties(openContainer(tx, r.target))
}

func readProperties(resource *bbolt.Bucket, err error) (response, error) {
	if err != nil {
		return response{}, err
	}
	properties, err := parseObject(resource.Get(propertiesKey))
	return propertiesResponse(http.StatusOK, properties), err
}

func propertiesResponse(status int, properties object) response {
	return response{status: status, body: properties.encode(), etag: properties.text("_etag")}
}
