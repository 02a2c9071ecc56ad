package cosmosdb

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"

	"go.etcd.io/bbolt"
)

// definition is what the server itself reads of a container's properties.
type definition struct {
	RID          string `json:"_rid"`
	DefaultTTL   *int64 `json:"defaultTtl"`
	PartitionKey struct {
		Paths []string `json:"paths"`
	} `json:"partitionKey"`
	UniqueKeyPolicy struct {
		UniqueKeys []json.RawMessage `json:"uniqueKeys"`
	} `json:"uniqueKeyPolicy"`
}

// path is the partition key's path, as member names from the outside in.
func (d definition) path() []string { return strings.Split(d.PartitionKey.Paths[0][1:], "/") }

func parseDefinition(text []byte) (definition, error) {
	var d definition
	if err := json.Unmarshal(text, &d); err != nil {
		return d, refuse(http.StatusBadRequest, 0, "The container's properties cannot be read: %v", err)
	}
	switch paths := d.PartitionKey.Paths; {
	case len(paths) == 0:
		return d, refuse(http.StatusBadRequest, 0, "The container has no partitionKey.paths")
	case len(paths) > 1:
		return d, missing("hierarchical partition keys")
	case len(paths[0]) < 2 || paths[0][0] != '/' || strings.ContainsAny(paths[0], `"'[]*`):
		return d, refuse(http.StatusBadRequest, 0, "The partition key path %.80q is not one like /id", paths[0])
	}
	if len(d.UniqueKeyPolicy.UniqueKeys) > 0 {
		return d, missing("unique key policies")
	}
	if d.DefaultTTL != nil && !validTTL(*d.DefaultTTL) {
		return d, refuse(http.StatusBadRequest, 0, "The defaultTtl %d is invalid: it is -1, or a positive number of seconds", *d.DefaultTTL)
	}
	return d, nil
}

func validTTL(seconds int64) bool { return seconds == -1 || seconds > 0 && seconds <= math.MaxInt32 }

func createContainer(s *Server, r request) (reply, error) {
	o, id, err := parseContainer(r.body)
	if err != nil {
		return reply{}, err
	}
	var answer reply
	err = s.store.write(func(tx *bbolt.Tx) error {
		database, err := openDatabase(tx, r.target)
		if err != nil {
			return errNoOwner
		}
		owner, err := properties(database)
		if err != nil {
			return err
		}
		all := database.Bucket(containersKey)
		if all.Bucket([]byte(id)) != nil {
			return errConflict
		}
		number, err := all.NextSequence()
		if err != nil {
			return err
		}
		container, err := all.CreateBucket([]byte(id))
		if err != nil {
			return err
		}
		if _, err := container.CreateBucket(documentsKey); err != nil {
			return err
		}
		rid := resourceID(owner.text("_rid"), number, 4)
		o = o.stamp(rid, owner.text("_self")+"colls/"+rid+"/", r.now, member{"_docs", quote("docs/")})
		answer = created(o)
		return container.Put(propertiesKey, answer.body)
	})
	return answer, err
}

func parseContainer(body []byte) (object, string, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, "", err
	}
	id, err := o.id()
	if err != nil {
		return nil, "", err
	}
	_, err = parseDefinition(body)
	return o, id, err
}

func readContainer(s *Server, r request) (reply, error) {
	var answer reply
	err := s.store.db.View(func(tx *bbolt.Tx) error {
		container, err := openContainer(tx, r.target)
		if err != nil {
			return err
		}
		o, err := properties(container)
		answer = reply{status: http.StatusOK, body: o.encode(), etag: o.text("_etag")}
		return err
	})
	return answer, err
}

func replaceContainer(s *Server, r request) (reply, error) {
	o, id, err := parseContainer(r.body)
	if err != nil {
		return reply{}, err
	}
	if id != r.container() {
		return reply{}, missing("renaming of containers")
	}
	var answer reply
	err = s.store.write(func(tx *bbolt.Tx) error {
		container, err := openContainer(tx, r.target)
		if err != nil {
			return err
		}
		if err := unchanged(container, r); err != nil {
			return err
		}
		old, err := properties(container)
		if err != nil {
			return err
		}
		if err := samePath(old, o); err != nil {
			return err
		}
		o = o.stamp(old.text("_rid"), old.text("_self"), r.now, member{"_docs", quote("docs/")})
		answer = reply{status: http.StatusOK, body: o.encode(), etag: o.text("_etag")}
		return container.Put(propertiesKey, answer.body)
	})
	return answer, err
}

// samePath refuses a new partition key: the documents are kept under the old one.
func samePath(was, is object) error {
	from, err := parseDefinition(was.encode())
	if err != nil {
		return err
	}
	to, err := parseDefinition(is.encode())
	if err != nil {
		return err
	}
	if from.PartitionKey.Paths[0] != to.PartitionKey.Paths[0] {
		return refuse(http.StatusBadRequest, 0, "Document collection partition key cannot be changed.")
	}
	return nil
}

func deleteContainer(s *Server, r request) (reply, error) {
	err := s.store.write(func(tx *bbolt.Tx) error {
		container, err := openContainer(tx, r.target)
		if err != nil {
			return err
		}
		if err := unchanged(container, r); err != nil {
			return err
		}
		return tx.Bucket(databasesKey).Bucket([]byte(r.database())).Bucket(containersKey).DeleteBucket([]byte(r.container()))
	})
	return reply{status: http.StatusNoContent}, err
}
