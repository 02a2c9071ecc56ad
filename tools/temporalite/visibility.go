package main

import (
	"cmp"
	"context"
	gosql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

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
// the net effect of the waiting changes of each run: the newest row, the deletion, or a deletion and then a newer row. A crash of the
// process loses no change, because the server repeats each change from its visibility queue until the change is written. Until then,
// lists may lack the change. SQLite ignores a row that is not newer than its own.
//
// A deleted run leaves the files within seconds, except the words of its Text and KeywordList attributes: the full-text
// indexes of the schema keep them until SQLite merges their parts.
//
// It is a plugin for the server's SQL store. A visibility.VisibilityStoreFactory would not do, because server 1.29
// allocates the columns of custom search attributes only if the visibility store is SQL.
type visibility struct {
	reads   sqliteDB
	writes  *sqlx.DB
	upsert  *sqlx.NamedStmt
	maxWait time.Duration

	using   sync.Mutex // of the file; locked before mu
	mu      sync.Mutex
	waiting []visibilityChange
	timer   *time.Timer // writes the waiting changes
}

// sqliteDB is what the server's plugin for SQLite returns.
type sqliteDB interface {
	sqlplugin.DB
	sqlplugin.AdminDB
}

type visibilityRun = sqlplugin.VisibilityDeleteFilter

// visibilityChange is a new row of a run. Without a row, it is the deletion of the run.
type visibilityChange struct {
	run     visibilityRun
	row     *sqlplugin.VisibilityRow
	written chan error // has room for the result
}

// openVisibility returns the configuration with which the server uses the store in dir.
func openVisibility(dir string, maxWait time.Duration) (*config.SQL, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the visibility store: %w", err)
	}
	file := filepath.Join(dir, "visibility.db")
	c, err := store.OpenSQLite(file, nil)
	if err != nil {
		return nil, err
	}
	db, err := sql.NewSQLDB(sqlplugin.DbKindVisibility, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return nil, fmt.Errorf("opening the visibility store: %w", err)
	}
	v := &visibility{reads: db.(sqliteDB), maxWait: maxWait}
	if err := v.openWrites(file); err != nil {
		return nil, fmt.Errorf("opening the visibility store: %w", err)
	}
	sql.RegisterPlugin(dir, v)
	return &config.SQL{PluginName: dir, DatabaseName: "visibility", ConnectAddr: "unused"}, nil
}

// openWrites opens a connection that keeps the prepared statement. The server's plugin parses its statement for each row, with the
// triggers and the 40 generated columns of the table: four fifths of the time.
func (v *visibility) openWrites(file string) (err error) {
	// A transaction is flushed to the disk, because the server then deletes the changes from its visibility queue and does not
	// repeat them.
	v.writes, err = sqlx.Connect("sqlite", "file:"+store.FileURI.Replace(file)+"?_time_format=sqlite&_pragma=busy_timeout=1000"+
		"&_pragma=synchronous=full&_pragma=secure_delete=on&_pragma=cache_size=-16384")
	if err != nil {
		return err
	}
	v.writes.SetMaxOpenConns(1)
	v.writes.MapperFunc(strcase.ToSnake) // the names of the columns
	if err := dropIndexes(v.writes); err != nil {
		return fmt.Errorf("dropping indexes: %w", err)
	}
	var set []string
	for _, column := range sqlplugin.DbFields {
		set = append(set, column+" = excluded."+column)
	}
	v.upsert, err = v.writes.PrepareNamed(fmt.Sprintf(`INSERT INTO executions_visibility (%s) VALUES (%s)
		ON CONFLICT (namespace_id, run_id) DO UPDATE SET %s WHERE executions_visibility._version < excluded._version`,
		strings.Join(sqlplugin.DbFields, ", "), sqlplugin.BuildNamedPlaceholder(sqlplugin.DbFields...), strings.Join(set, ", ")))
	if code(err) == sqlite3.SQLITE_ERROR { // the server does not migrate the schema of SQLite
		return fmt.Errorf("%s was created by another version of Temporal: start that version, or delete the data directory: %w", file, err)
	}
	return err
}

// code returns 0 if err is not from SQLite.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff // without the extension
	}
	return 0
}

// dropIndexes keeps the two indexes that serve the default order and a workflow ID. Writing the schema's 45 takes 3 ms of
// CPU time per run. Without the others, other conditions scan the runs.
func dropIndexes(db *sqlx.DB) error {
	var statements string
	if err := db.Get(&statements, `SELECT COALESCE(GROUP_CONCAT('DROP INDEX ' || name, ';'), '') FROM sqlite_schema
		WHERE type = 'index' AND name LIKE 'by@_%' ESCAPE '@' AND name != 'by_workflow_id'`); err != nil {
		return err
	}
	_, err := db.Exec(statements)
	return err
}

// record returns when the change is written or has failed. If ctx ends first, the change may still be written.
func (v *visibility) record(ctx context.Context, c visibilityChange) (gosql.Result, error) {
	c.written = make(chan error, 1)
	v.mu.Lock()
	v.waiting = append(v.waiting, c)
	switch len(v.waiting) {
	case 1:
		v.timer = time.AfterFunc(v.maxWait, func() { v.write() }) // the waiting calls get the errors
	case maxChanges:
		v.timer.Reset(0)
	}
	v.mu.Unlock()
	select {
	case err := <-c.written:
		return driver.RowsAffected(1), err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// write writes the waiting changes. It returns an error if SQLite cannot write, but not if it refuses a row.
func (v *visibility) write() error {
	v.using.Lock()
	defer v.using.Unlock()
	return v.writeLocked()
}

func (v *visibility) writeLocked() error {
	v.mu.Lock()
	changes := v.waiting
	v.waiting = nil
	if v.timer != nil {
		v.timer.Stop()
	}
	v.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	refused, err := v.transaction(changes)
	if err != nil {
		err = fmt.Errorf("writing to the visibility store: %w", err)
	}
	for i, c := range changes {
		c.written <- cmp.Or(err, refused[i])
	}
	return err
}

// transaction writes the changes. If SQLite refuses a row, refused has its error, also for the older changes that were not written
// because of this row. The changes of other runs are written. A deletion also counts as refused if its row stays in the log.
func (v *visibility) transaction(changes []visibilityChange) (refused []error, err error) {
	refused = make([]error, len(changes))
	if _, err := v.writes.Exec("BEGIN IMMEDIATE"); err != nil { // which fails if the file is locked or cannot be written
		return refused, err
	}
	last, deleted := lastChanges(changes), false
	for i, c := range changes {
		switch {
		case last[i] != i:
			continue
		case c.row != nil:
			_, err = v.upsert.Exec(columns(*c.row))
		default:
			deleted = true
			_, err = v.writes.Exec("DELETE FROM executions_visibility WHERE namespace_id = ? AND run_id = ?", c.run.NamespaceID, c.run.RunID)
		}
		if kind := code(err); kind != 0 && kind != sqlite3.SQLITE_CONSTRAINT && kind != sqlite3.SQLITE_ERROR { // such as a full disk
			_, _ = v.writes.Exec("ROLLBACK") // fails if SQLite has already done it
			return refused, err
		}
		refused[i] = err
	}
	for i := range changes {
		refused[i] = refused[last[i]]
	}
	if _, err := v.writes.Exec("COMMIT"); err != nil {
		_, _ = v.writes.Exec("ROLLBACK")
		return refused, err
	}
	if !deleted {
		return refused, nil
	}
	if err := v.truncateLog(); err != nil {
		for i, c := range changes {
			if c.row == nil {
				refused[i] = cmp.Or(refused[i], err)
			}
		}
	}
	return refused, nil
}

// truncateLog removes deleted rows from the write-ahead log.
func (v *visibility) truncateLog() error {
	var blocked bool
	var frames, done int
	err := v.writes.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &frames, &done)
	if blocked {
		err = errors.New("another program reads the file, so that its log keeps deleted rows")
	}
	return err
}

// lastChanges returns, for each change, the index of the one that is written for it: a later one of its run that is newer or the
// deletion, or itself.
func lastChanges(changes []visibilityChange) []int {
	last := make([]int, len(changes))
	ofRun := map[visibilityRun]int{}
	for i, c := range slices.Backward(changes) {
		later, found := ofRun[c.run]
		if found && c.row != nil && (changes[later].row == nil || c.row.Version <= changes[later].row.Version) {
			last[i] = later
		} else {
			last[i], ofRun[c.run] = i, i
		}
	}
	return last
}

// columns converts a row as the server's plugin for SQLite does: prepareRowForDB in common/persistence/sql/sqlplugin/sqlite/visibility.go.
func columns(row sqlplugin.VisibilityRow) sqlplugin.VisibilityRow {
	row.StartTime, row.ExecutionTime = datetime(row.StartTime), datetime(row.ExecutionTime)
	if row.CloseTime != nil {
		closed := datetime(*row.CloseTime)
		row.CloseTime = &closed
	}
	if row.SearchAttributes != nil {
		attributes := maps.Clone(*row.SearchAttributes)
		for name, value := range attributes {
			if keywords, ok := value.([]string); ok {
				attributes[name] = strings.Join(keywords, "♡")
			}
		}
		row.SearchAttributes = &attributes
	}
	return row
}

func datetime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t.UTC().Truncate(time.Microsecond)
}
