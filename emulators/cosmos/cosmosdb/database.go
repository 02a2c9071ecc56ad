package cosmosdb

import (
	"net/http"

	"go.etcd.io/bbolt"
)

func createDatabase(s *Server, r request) (reply, error) {
	o, err := parseObject(r.body)
	if err != nil {
		return reply{}, err
	}
	id, err := o.id()
	if err != nil {
		return reply{}, err
	}
	var answer reply
	err = s.store.write(func(tx *bbolt.Tx) error {
		all := tx.Bucket(databasesKey)
		if all.Bucket([]byte(id)) != nil {
			return errConflict
		}
		number, err := all.NextSequence()
		if err != nil {
			return err
		}
		database, err := all.CreateBucket([]byte(id))
		if err != nil {
			return err
		}
		if _, err := database.CreateBucket(containersKey); err != nil {
			return err
		}
		rid := resourceID("", number, 4)
		o = o.stamp(rid, "dbs/"+rid+"/", r.now, member{"_colls", quote("colls/")}, member{"_users", quote("users/")})
		answer = created(o)
		return database.Put(propertiesKey, answer.body)
	})
	return answer, err
}

func created(o object) reply {
	return reply{status: http.StatusCreated, body: o.encode(), etag: o.text("_etag")}
}

func readDatabase(s *Server, r request) (reply, error) {
	var answer reply
	err := s.store.db.View(func(tx *bbolt.Tx) error {
		database, err := openDatabase(tx, r.target)
		if err != nil {
			return err
		}
		o, err := properties(database)
		answer = reply{status: http.StatusOK, body: o.encode(), etag: o.text("_etag")}
		return err
	})
	return answer, err
}

// properties reads a database's or a container's own JSON.
func properties(of *bbolt.Bucket) (object, error) {
	return parseObject(of.Get(propertiesKey))
}

func deleteDatabase(s *Server, r request) (reply, error) {
	err := s.store.write(func(tx *bbolt.Tx) error {
		database, err := openDatabase(tx, r.target)
		if err != nil {
			return err
		}
		if err := unchanged(database, r); err != nil {
			return err
		}
		return tx.Bucket(databasesKey).DeleteBucket([]byte(r.database()))
	})
	return reply{status: http.StatusNoContent}, err
}

// unchanged honours If-Match on a database or a container.
func unchanged(of *bbolt.Bucket, r request) error {
	o, err := properties(of)
	if err != nil {
		return err
	}
	if condition := r.Get("If-Match"); condition != "" && !matches(condition, o.text("_etag")) {
		return errChanged
	}
	return nil
}
