package cosmosdb

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The file holds a tree of buckets:
//
//	databases / <database> / properties               its JSON
//	                       / containers / <container> / properties               its JSON
//	                                                  / documents / <key> entry  (document.go)
var (
	databasesKey  = []byte("databases")
	containersKey = []byte("containers")
	documentsKey  = []byte("documents")
	propertiesKey = []byte("properties")
)

var errClosed = bolterrors.ErrDatabaseNotOpen

// store commits writes to a bbolt file. Writers that arrive while another commits share the next commit,
// so that the disk is flushed once for all of them and a lone writer waits for nobody.
type store struct {
	db *bbolt.DB

	mu      sync.Mutex
	waiting []*pendingWrite

	turn sync.Mutex // held by the writer that commits
}

type pendingWrite struct {
	operation func(*bbolt.Tx) error
	err       error
}

func openStore(path string) (*store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("the Cosmos DB data in %s is in use by another process: stop that one or choose another directory", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the Cosmos DB data in %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(databasesKey)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the Cosmos DB data in %s: %w", path, err), db.Close())
	}
	return &store{db: db}, nil
}

var errNotCommitted = errors.New("the write was not committed")

// write runs operation in a transaction; it is on the disk when write returns nil. A refusal undoes
// nothing, since it comes before any change; any other error undoes the whole commit.
func (s *store) write(operation func(*bbolt.Tx) error) error {
	w := &pendingWrite{operation, errNotCommitted}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	batch := s.waiting // empty if the writer before took this one along
	s.waiting = nil
	s.mu.Unlock()
	if len(batch) > 0 {
		s.commit(batch)
	}
	return w.err
}

func (s *store) commit(batch []*pendingWrite) {
	results := make([]error, len(batch))
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for i, w := range batch {
			results[i] = w.operation(tx)
			if _, ok := errors.AsType[*refusal](results[i]); results[i] != nil && !ok {
				return results[i]
			}
		}
		return nil
	})
	for i, w := range batch {
		if w.err = err; err == nil {
			w.err = results[i]
		}
	}
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

// The sub-status of errNoOwner tells a missing container from a missing document; see StatusCodes.md in
// https://github.com/Azure/azure-sdk-for-java/tree/main/sdk/cosmos/azure-cosmos/docs.
var (
	errNotFound = refuse(http.StatusNotFound, 0, "Entity with the specified id does not exist in the system.")
	errNoOwner  = refuse(http.StatusNotFound, 1003, "Owner resource does not exist: the database or the container is missing")
	errConflict = refuse(http.StatusConflict, 0, "Entity with the specified id already exists in the system.")
	errChanged  = refuse(http.StatusPreconditionFailed, 0, "Operation cannot be performed because one of the specified precondition is not met.")
)

// resourceID makes an _rid: the parent's, then this one's number. Cosmos DB writes it in base64 with - for /.
func resourceID(parent string, number uint64, width int) string {
	id, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(parent, "-", "/"))
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], number)
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(append(id, n[8-width:]...)), "/", "-")
}
