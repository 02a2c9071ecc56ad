package cosmosdb

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The buckets of the bbolt file:
//
//	databases/<database>/properties: JSON
//	databases/<database>/containers/<container>/properties: JSON
//	databases/<database>/containers/<container>/documents/<id>: JSON
var (
	databasesKey  = []byte("databases")
	containersKey = []byte("containers")
	documentsKey  = []byte("documents")
	propertiesKey = []byte("properties")
)

// A write waits this long for other writes, so that one fsync commits all of them.
const commitDelay = time.Millisecond

func (s *Server) openDB(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
		s.file, err = os.OpenFile(name, flag, mode)
		return s.file, err
	}})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("opening the Cosmos DB data: %s is in use by another process: stop that process or choose another directory", path)
	}
	if err != nil {
		return fmt.Errorf("opening the Cosmos DB data in %s: %w", path, err)
	}
	db.MaxBatchDelay = commitDelay
	s.db = db
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(databasesKey)
		return err
	})
	if err == nil {
		err = s.eraseFreePages()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("preparing the Cosmos DB data in %s: %w", path, err), db.Close())
	}
	return nil
}

func (s *Server) read(operation operation, r request) (res response, err error) {
	s.readers.RLock()
	defer s.readers.RUnlock()
	err = s.db.View(func(tx *bbolt.Tx) error {
		res, err = operation(tx, r)
		return err
	})
	return res, err
}

// write commits even if the operation returns a *statusError. An operation must therefore check everything before it
// changes data.
func (s *Server) write(operation operation, r request) (res response, err error) {
	var refused *statusError
	err = s.db.Batch(func(tx *bbolt.Tx) error {
		var err error
		res, err = operation(tx, r)
		if refused, _ = errors.AsType[*statusError](err); refused != nil {
			return nil
		}
		return err
	})
	if err == nil && refused != nil {
		return response{}, refused
	}
	return res, err
}

func openDatabase(tx *bbolt.Tx, t target) (*bbolt.Bucket, error) {
	database := tx.Bucket(databasesKey).Bucket([]byte(t.database()))
	if database == nil {
		return nil, errNotFound
	}
	return database, nil
}

func openContainer(tx *bbolt.Tx, t target) (*bbolt.Bucket, error) {
	database, err := openDatabase(tx, t)
	if err != nil {
		return nil, err
	}
	container := database.Bucket(containersKey).Bucket([]byte(t.container()))
	if container == nil {
		return nil, errNotFound
	}
	return container, nil
}

var (
	errNotFound = newError(http.StatusNotFound, 0, "Entity with the specified id does not exist in the system.")
	// Clients use the sub-status 1003 to distinguish a missing container from a missing document. See StatusCodes.md in
	// https://github.com/Azure/azure-sdk-for-java/tree/main/sdk/cosmos/azure-cosmos/docs
	errNoOwner  = newError(http.StatusNotFound, 1003, "Owner resource does not exist: the database or the container is missing")
	errConflict = newError(http.StatusConflict, 0, "Entity with the specified id already exists in the system.")
	errChanged  = newError(http.StatusPreconditionFailed, 0, "Operation cannot be performed because one of the specified precondition is not met.")
)

func resourceID(parent string, number uint64, width int) string {
	id, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(parent, "-", "/"))
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(append(id, n[8-width:]...)), "/", "-")
}
