package main

import (
	"context"
	gosql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"triptych/tools/temporalite/store"
)

// A change waits for others until somebody reads, maxChanges wait, or maxWait has passed. The server repeats a change that takes
// three seconds. Its 512 workers of the visibility queue wait for one change each.
const (
	maxChanges = 256
	maxWait    = time.Second
)

// visibility keeps what is listed and counted in SQLite with the server's schema, so the whole query language works.
// If each change had a transaction, most of the server's written bytes would be for visibility. Instead, one transaction writes
// what the waiting changes make of each run. A crash of the process loses none of them, because the server repeats each change
// from its visibility queue until it is written. Lists may lack it until then. SQLite ignores a row that is not newer than its own.
//
// A deleted run leaves the files within seconds, except the words of its Text and KeywordList attributes: the full-text
// indexes of the schema keep them until SQLite merges their parts.
//
// It is a plugin for the server's SQL store. A visibility.VisibilityStoreFactory would not do, because server 1.29
// allocates the columns of custom search attributes only if the visibility store is SQL.
type visibility struct {
	file    sqliteDB
	maxWait time.Duration

	writing sync.Mutex // locked before mu
	mu      sync.Mutex
	next    *batch // nil if no change waits
}

// sqliteDB is what the server's plugin for SQLite returns.
type sqliteDB interface {
	sqlplugin.DB
	sqlplugin.AdminDB
}

type visibilityRun = sqlplugin.VisibilityDeleteFilter

// visibilityChange is a new row of a run. Without a row, it is the deletion of the run.
type visibilityChange struct {
	run visibilityRun
	row *sqlplugin.VisibilityRow
}

// batch is what one transaction writes: of each run the deletion, the newest row, or both in this order.
type batch struct {
	changes map[visibilityRun][]visibilityChange
	n       int // changes that wait
	timer   *time.Timer
	written chan struct{} // closed after failed is set
	failed  map[visibilityRun]error
}

// openVisibility returns the configuration with which the server uses the store in dir.
func openVisibility(dir string, maxWait time.Duration) (*config.SQL, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the visibility store: %w", err)
	}
	// Older versions of temporalite kept changes there that their visibility.db did not have yet.
	journals, err := fs.Glob(os.DirFS(dir), "journal-*")
	if err != nil {
		return nil, fmt.Errorf("reading the directory of the visibility store: %w", err)
	}
	if len(journals) > 0 {
		return nil, fmt.Errorf("%s is from an older version of temporalite: delete %s, which contains all workflows",
			filepath.Join(dir, journals[0]), filepath.Dir(dir))
	}
	file := filepath.Join(dir, "visibility.db")
	// A transaction is flushed to the disk, because the server then forgets its changes.
	c, err := store.OpenSQLite(file, map[string]string{"synchronous": "full", "cache_size": "-16384"})
	if err != nil {
		return nil, err
	}
	db, err := sql.NewSQLDB(sqlplugin.DbKindVisibility, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return nil, fmt.Errorf("opening the visibility store: %w", err)
	}
	if err := dropIndexes(file); err != nil {
		return nil, fmt.Errorf("dropping indexes of the visibility store: %w", err)
	}
	v := &visibility{file: db.(sqliteDB), maxWait: maxWait}
	// The server does not migrate the schema of SQLite.
	if err := v.file.Exec("SELECT " + strings.Join(sqlplugin.DbFields, ", ") + " FROM executions_visibility LIMIT 0"); err != nil {
		return nil, fmt.Errorf("%s was created by another version of Temporal: start that version, or delete the data directory: %w", file, err)
	}
	sql.RegisterPlugin(dir, v)
	return &config.SQL{PluginName: dir, DatabaseName: "visibility", ConnectAddr: "unused"}, nil
}

// dropIndexes keeps the two indexes that serve the default order and a workflow ID. Writing the schema's 58 takes 3 ms of
// CPU time per run. Without the others, other conditions scan the runs.
func dropIndexes(file string) error {
	db, err := gosql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	var statements string
	if err := db.QueryRow(`SELECT COALESCE(GROUP_CONCAT('DROP INDEX ' || name, ';'), '') FROM sqlite_schema
		WHERE type = 'index' AND name LIKE 'by@_%' ESCAPE '@' AND name != 'by_workflow_id'`).Scan(&statements); err != nil {
		return err
	}
	_, err = db.Exec(statements)
	return err
}

// record returns when the change is written or has failed. If ctx ends first, the change may still be written.
func (v *visibility) record(ctx context.Context, c visibilityChange) (gosql.Result, error) {
	v.mu.Lock()
	b := v.next
	if b == nil {
		b = &batch{changes: map[visibilityRun][]visibilityChange{}, written: make(chan struct{})}
		b.timer = time.AfterFunc(v.maxWait, func() { v.write() }) // the waiting calls get the errors
		v.next = b
	}
	b.add(c)
	if b.n == maxChanges {
		go v.write()
	}
	v.mu.Unlock()
	select {
	case <-b.written:
		return driver.RowsAffected(1), b.failed[c.run]
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *batch) add(c visibilityChange) {
	b.n++
	changes := b.changes[c.run]
	switch last := len(changes) - 1; {
	case c.row == nil:
		changes = []visibilityChange{c}
	case last < 0 || changes[last].row == nil:
		changes = append(changes, c)
	case c.row.Version > changes[last].row.Version:
		changes[last] = c
	}
	b.changes[c.run] = changes
}

// write writes the waiting changes to SQLite. It returns an error if all failed.
func (v *visibility) write() error {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.mu.Lock()
	b := v.next
	v.next = nil
	v.mu.Unlock()
	if b == nil {
		return nil
	}
	b.timer.Stop()
	err := b.write(v.file)
	close(b.written)
	return err
}

// write uses a transaction for each run if one for all fails, so that a row that SQLite refuses fails only the calls of its run,
// and only the lists that find no other change.
func (b *batch) write(db sqliteDB) error {
	err := transaction(db, slices.Concat(slices.Collect(maps.Values(b.changes))...))
	if err == nil {
		return nil
	}
	b.failed = map[visibilityRun]error{}
	for run, changes := range b.changes {
		if err := transaction(db, changes); err != nil {
			b.failed[run] = fmt.Errorf("writing to the visibility store: %w", err)
		}
	}
	if len(b.failed) < len(b.changes) {
		return nil
	}
	return fmt.Errorf("writing to the visibility store: %w", err)
}

func transaction(db sqliteDB, changes []visibilityChange) error {
	ctx := context.Background() // because a list whose deadline passes must not undo the work
	tx, err := db.BeginTx(ctx)
	if err != nil {
		return err
	}
	deleted := false
	for _, c := range changes {
		if c.row == nil {
			deleted = true
			_, err = tx.DeleteFromVisibility(ctx, c.run)
		} else {
			_, err = tx.ReplaceIntoVisibility(ctx, c.row)
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil || !deleted {
		return err
	}
	return db.Exec("PRAGMA wal_checkpoint(TRUNCATE)") // the write-ahead log contains the deleted rows
}
