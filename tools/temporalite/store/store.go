// Package store keeps what a Temporal server writes for each workflow in Pebble, an embedded key-value store, instead of an SQL
// database: shards, workflow executions, histories, tasks and task queues. The other data are written rarely and are in the server's
// own SQLite tables: namespaces, cluster metadata, versioning of workers, Nexus endpoints, replication and dead letters. The
// visibility store is separate.
//
// Each write of the server is atomic. It is in the operating system's cache when the call returns: if the process is killed,
// nothing is lost. The logs are not flushed to the disk at each write: a power failure or a crash of the operating system may lose
// the last writes (at most 8 MB in Pebble). Pebble and SQLite then each have an earlier state, without gaps, but not necessarily
// of the same time. The conditions under which a write fails, and the errors, are those of Temporal's SQL stores.
//
// Memory does not grow with the data: see Open. Deleted workflow executions leave the files seconds after the deletion, later if the
// database is large: see erase. Until then, the files contain the deleted payloads. Some workflow IDs stay for longer: those in the
// task queue of a worker, until a day or two after it has ended; those in rows of other tables (current executions and tasks), until
// Pebble happens to rewrite their files; and those in Pebble's manifest (up to 1 MB), which contains the smallest and the largest key
// of each file.
//
// One process can open a database. Replication between clusters was not tested.
package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/client"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/resolver"
)

const (
	cacheSize    = 32 << 20 // with 16 MB, reading the index blocks of new files takes 5 % of the server's CPU time
	memTableSize = 8 << 20  // up to two exist
)

// A Store is an open database.
type Store struct {
	SQL *config.SQL // the tables that are not in Pebble
	*database
	stop       context.CancelFunc
	background sync.WaitGroup
}

var _ client.AbstractDataStoreFactory = (*Store)(nil)

type database struct {
	pebble  *pebble.DB
	closing sync.RWMutex // read-locked by operations
	closed  bool
	locks   [256]sync.Mutex // of transactions, by hash
	seed    maphash.Seed
}

// Open opens the database in a directory, or creates it.
func Open(dir string, logger *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the database: %w", err)
	}
	options := &pebble.Options{
		FS: walFS{vfs.Default}, Cleaner: pebble.ArchiveCleaner{}, Logger: pebbleLogger{logger},
		CacheSize: cacheSize, MemTableSize: memTableSize, MaxManifestFileSize: 1 << 20,
		// The next format writes into the log how much of it was flushed to the disk. As walFile does not flush, Pebble would
		// take a log that a power failure truncated for corrupt.
		FormatMajorVersion: pebble.FormatColumnarBlocks,
	}
	options.Levels[0].FilterPolicy = bloom.FilterPolicy(10)
	// Compression took 3 % of the server's CPU time, and made the database of Triptych's encrypted payloads no smaller.
	options.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("opening the database in %s, which another process may use: %w", dir, err)
	}
	tables, err := OpenSQLite(filepath.Join(dir, "settings.db"), map[string]string{"synchronous": "normal"})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	data := &database{pebble: db, seed: maphash.MakeSeed()}
	s := &Store{SQL: tables, database: data, stop: stop}
	s.background.Go(func() { s.erase(ctx, logger) })
	s.background.Go(func() { s.expire(ctx, logger) })
	return s, nil
}

// Close closes the database. Later operations fail.
func (s *Store) Close() error {
	s.stop()
	s.background.Wait()
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.pebble.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// NewFactory returns the stores for one of the server's services. All use the same database.
func (s *Store) NewFactory(
	_ config.CustomDatastoreConfig, r resolver.ServiceResolver, clusterName string, l log.Logger, m metrics.Handler,
) p.DataStoreFactory {
	return &factory{sql.NewFactory(*s.SQL, r, clusterName, l, m), s.database}
}

// factory takes from SQL the stores, and the methods of stores, that it does not replace.
type factory struct {
	*sql.Factory
	data *database
}

func (f *factory) NewShardStore() (p.ShardStore, error) {
	rest, err := f.Factory.NewShardStore()
	return shardStore{rest, f.data}, err
}

func (f *factory) NewExecutionStore() (p.ExecutionStore, error) {
	rest, err := f.Factory.NewExecutionStore()
	return &executionStore{rest, f.data}, err
}

func (f *factory) NewTaskStore() (p.TaskStore, error) {
	rest, err := f.Factory.NewTaskStore()
	return taskStore{rest, f.data, false}, err
}

func (f *factory) NewFairTaskStore() (p.TaskStore, error) {
	rest, err := f.Factory.NewFairTaskStore()
	return taskStore{rest, f.data, true}, err
}

type pebbleLogger struct{ *slog.Logger }

func (pebbleLogger) Infof(string, ...any) {}
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.Error("database", "error", fmt.Sprintf(format, args...))
}
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	os.Exit(1)
}
