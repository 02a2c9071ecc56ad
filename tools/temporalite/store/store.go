// Package store keeps the data of a Temporal server in Pebble, an embedded key-value store, instead of an SQL database. It contains
// everything except the visibility store.
//
// Each write of the server is one atomic batch. It is in the operating system's cache when the call returns: if the process is killed,
// nothing is lost. The log is not flushed to the disk at each write: a power failure or a crash of the operating system may lose
// the last writes (at most 16 MB). The database then has an earlier state, without gaps. The conditions under which a
// write fails, and the errors, are those of Temporal's SQL stores.
//
// Memory does not grow with the data: see Open. Deleted workflow executions leave the files seconds after the deletion, later if the
// database is large: see erase. Until then, the files contain the deleted payloads, and a manifest of up to 1 MB may contain some
// workflow IDs for longer.
//
// One process can open a database. Replication between clusters was not tested.
package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/client"
	"go.temporal.io/server/common/resolver"
)

const (
	cacheSize    = 32 << 20
	memTableSize = 16 << 20 // up to two exist
)

// A Store is an open database.
type Store struct {
	*database
	lock     *pebble.Lock
	stop     context.CancelFunc
	compacts sync.WaitGroup
}

var _ client.AbstractDataStoreFactory = (*Store)(nil)

type database struct {
	pebble  *pebble.DB
	closing sync.RWMutex // read-locked by operations
	closed  bool
	locks   [256]sync.Mutex // of transactions, by hash
	seed    maphash.Seed
	deleted chan struct{} // wakes erase
	members members
}

// Open opens the database in a directory, or creates it.
func Open(dir string, logger *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the database: %w", err)
	}
	files := walFS{vfs.Default}
	lock, err := pebble.LockDirectory(dir, files)
	if err != nil {
		return nil, fmt.Errorf("locking %s, which another process may use: %w", dir, err)
	}
	options := &pebble.Options{
		FS: files, Lock: lock, Cleaner: pebble.ArchiveCleaner{}, Logger: pebbleLogger{logger},
		CacheSize: cacheSize, MemTableSize: memTableSize, MaxManifestFileSize: 1 << 20,
		// The next format writes into the log how much of it was flushed to the disk. As walFile does not flush, Pebble would
		// take a log that a power failure truncated for corrupt.
		FormatMajorVersion: pebble.FormatColumnarBlocks,
	}
	options.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	db, err := pebble.Open(dir, options)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("opening the database in %s: %w", dir, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{database: &database{pebble: db, seed: maphash.MakeSeed(), deleted: make(chan struct{}, 1)}, lock: lock, stop: stop}
	s.compacts.Go(func() { s.erase(ctx, logger) })
	return s, nil
}

// Close closes the database. Later operations fail.
func (s *Store) Close() error {
	s.stop()
	s.compacts.Wait()
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.pebble.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return s.lock.Close()
}

// NewFactory returns the stores for one of the server's services. All use the same database.
func (s *Store) NewFactory(_ config.CustomDatastoreConfig, _ resolver.ServiceResolver, clusterName string, _ log.Logger, _ metrics.Handler) p.DataStoreFactory {
	return &factory{s.database, clusterName}
}

type factory struct {
	*database
	clusterName string
}

func (f *factory) NewShardStore() (p.ShardStore, error) {
	return shardStore{f.database, f.clusterName}, nil
}
func (f *factory) NewExecutionStore() (p.ExecutionStore, error) {
	return &executionStore{database: f.database}, nil
}
func (f *factory) NewTaskStore() (p.TaskStore, error)         { return taskStore{f.database, false}, nil }
func (f *factory) NewFairTaskStore() (p.TaskStore, error)     { return taskStore{f.database, true}, nil }
func (f *factory) NewMetadataStore() (p.MetadataStore, error) { return metadataStore{f.database}, nil }
func (f *factory) NewQueue(t p.QueueType) (p.Queue, error)    { return queue{f.database, int64(t)}, nil }
func (f *factory) NewQueueV2() (p.QueueV2, error)             { return queueV2{f.database}, nil }
func (f *factory) NewNexusEndpointStore() (p.NexusEndpointStore, error) {
	return nexusStore{f.database}, nil
}
func (f *factory) NewClusterMetadataStore() (p.ClusterMetadataStore, error) {
	return clusterStore{f.database}, nil
}

// GetName returns the name that metrics and logs show.
func (*database) GetName() string { return "pebble" }

// Close does nothing because the stores share one database. Store.Close closes it.
func (*database) Close() {}

type pebbleLogger struct{ *slog.Logger }

func (pebbleLogger) Infof(string, ...any) {}
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.Error("database", "error", fmt.Sprintf(format, args...))
}
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	os.Exit(1)
}
