package cosmosdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.etcd.io/bbolt"
)

// Provision creates a database and a container with the partition key /id, as Terraform does in the cloud. It does
// nothing if they exist.
func (s *Server) Provision(database, container string) error {
	for _, c := range []struct {
		create operation
		names  []string
		body   string
	}{
		{createDatabase, nil, fmt.Sprintf(`{"id":%q}`, database)},
		{createContainer, []string{database}, fmt.Sprintf(`{"id":%q,"partitionKey":{"paths":["/id"],"kind":"Hash"},"defaultTtl":-1}`, container)},
	} {
		_, err := c.create(s, request{target: target{names: c.names}, body: []byte(c.body), now: s.now()})
		if err != nil && !errors.Is(err, errConflict) {
			return fmt.Errorf("creating the container %s/%s: %w", database, container, err)
		}
	}
	return nil
}

func createDatabase(s *Server, r request) (response, error) {
	properties, id, err := parseResource(r.body)
	if err != nil {
		return response{}, err
	}
	var res response
	err = s.store.write(func(tx *bbolt.Tx) error {
		databases := tx.Bucket(databasesKey)
		database, number, err := addResource(databases, id, containersKey)
		if err != nil {
			return err
		}
		rid := resourceID("", number, 4)
		stored := properties.stamp(rid, "dbs/"+rid+"/", r.now, member{"_colls", quote("colls/")}, member{"_users", quote("users/")})
		res = propertiesResponse(http.StatusCreated, stored)
		return database.Put(propertiesKey, res.body)
	})
	return res, err
}

func createContainer(s *Server, r request) (response, error) {
	properties, id, err := parseResource(r.body)
	if err != nil {
		return response{}, err
	}
	if err := checkContainer(properties); err != nil {
		return response{}, err
	}
	var res response
	err = s.store.write(func(tx *bbolt.Tx) error {
		database, err := openDatabase(tx, r.target)
		if err != nil {
			return errNoOwner
		}
		owner, err := parseObject(database.Get(propertiesKey))
		if err != nil {
			return err
		}
		container, number, err := addResource(database.Bucket(containersKey), id, documentsKey)
		if err != nil {
			return err
		}
		rid := resourceID(owner.text("_rid"), number, 4)
		stored := properties.stamp(rid, owner.text("_self")+"colls/"+rid+"/", r.now, member{"_docs", quote("docs/")})
		res = propertiesResponse(http.StatusCreated, stored)
		return container.Put(propertiesKey, res.body)
	})
	return res, err
}

// parseResource returns the properties and the id of a database or a container.
func parseResource(body []byte) (object, string, error) {
	properties, err := parseObject(body)
	if err != nil {
		return nil, "", err
	}
	id, err := properties.id()
	return properties, id, err
}

// supportedProperties are the properties of a container that the server accepts. The indexing policy has no effect,
// because the server has no queries.
var supportedProperties = []string{"id", "partitionKey", "defaultTtl", "indexingPolicy"}

// checkContainer returns an error if the container has a property that the server does not support.
func checkContainer(properties object) error {
	for _, m := range properties {
		if !systemProperties[m.name] && !slices.Contains(supportedProperties, m.name) {
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

// addResource adds a bucket for a database or a container, with a bucket for its children, and numbers it.
func addResource(parent *bbolt.Bucket, id string, children []byte) (*bbolt.Bucket, uint64, error) {
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

func propertiesResponse(status int, properties object) response {
	return response{status: status, body: properties.encode(), etag: properties.text("_etag")}
}

func readDatabase(s *Server, r request) (response, error) { return s.readProperties(r, openDatabase) }

func readContainer(s *Server, r request) (response, error) { return s.readProperties(r, openContainer) }

func (s *Server) readProperties(r request, open func(*bbolt.Tx, target) (*bbolt.Bucket, error)) (response, error) {
	var res response
	err := s.store.db.View(func(tx *bbolt.Tx) error {
		resource, err := open(tx, r.target)
		if err != nil {
			return err
		}
		properties, err := parseObject(resource.Get(propertiesKey))
		res = propertiesResponse(http.StatusOK, properties)
		return err
	})
	return res, err
}
