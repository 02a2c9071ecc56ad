package main

import (
	"bytes"
	gosql "database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
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

// maxJournal bounds the bytes of the changes that SQLite does not have yet, in a file and in memory, and so the time of
// the first list after them.
const maxJournal = 2 << 20

// visibility keeps what is listed and counted in SQLite with the server's schema, so the whole query language works.
// If each change were written to SQLite immediately, most of the server's written bytes would be for visibility.
// Instead, a change is appended to a journal. SQLite gets the latest change of each run in one transaction, when somebody
// reads or when the journal has maxJournal bytes. SQLite keeps the runs in a file and not in memory, so that memory does
// not grow with them.
//
// A file of the journal is deleted when SQLite has synced its changes to the disk. A file that a crash leaves behind is
// applied again, in order with the newer files. That changes nothing: SQLite ignores a row that is not newer than its own,
// and deletes again.
//
// A deleted run leaves the files within seconds, except the words of its Text and KeywordList attributes: the full-text
// indexes of the schema keep them until SQLite merges their parts.
//
// It is a plugin for the server's SQL store. A visibility.VisibilityStoreFactory would not do, because server 1.29
// allocates the columns of custom search attributes only if the visibility store is SQL.
type visibility struct {
	dir    string
	file   sqliteDB
	logger *slog.Logger

	applying sync.Mutex // locked before mu

	mu      sync.Mutex
	pending pendingChanges
	journal *os.File
	number  int
	size    int // of the current file of the journal
	erasing bool
}

// sqliteDB is what the server's plugin for SQLite returns.
type sqliteDB interface {
	sqlplugin.DB
	sqlplugin.AdminDB
}

type visibilityRun = sqlplugin.VisibilityDeleteFilter

// visibilityChange is a new row of a run. Without a row, it is the deletion of the run.
type visibilityChange struct {
	Run visibilityRun
	Row *sqlplugin.VisibilityRow `json:",omitempty"`
}

// openVisibility returns the configuration with which the server uses the store in dir.
func openVisibility(dir string, logger *slog.Logger) (*config.SQL, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory of the visibility store: %w", err)
	}
	file := filepath.Join(dir, "visibility.db")
	// Everything is flushed because the journal is deleted after a commit.
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
	v := &visibility{dir: dir, file: db.(sqliteDB), logger: logger, pending: pendingChanges{}}
	// The server does not migrate the schema of SQLite.
	if err := v.file.Exec("SELECT " + strings.Join(sqlplugin.DbFields, ", ") + " FROM executions_visibility LIMIT 0"); err != nil {
		return nil, fmt.Errorf("%s was created by another version of Temporal: start that version, or delete the data directory: %w", file, err)
	}
	v.mu.Lock() // because a deletion in the journal starts apply
	defer v.mu.Unlock()
	if err := v.readJournal(); err != nil {
		return nil, err
	}
	if err := v.nextJournal(); err != nil {
		return nil, err
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

// CreateDB implements sqlplugin.Plugin.
func (v *visibility) CreateDB(sqlplugin.DbKind, *config.SQL, resolver.ServiceResolver, log.Logger, metrics.Handler) (sqlplugin.GenericDB, error) {
	return lazyDB{v.file, v}, nil
}

func (v *visibility) journalFiles() []string {
	files, _ := filepath.Glob(filepath.Join(v.dir, "journal-*")) // the pattern is valid
	slices.Sort(files)
	return files
}

func (v *visibility) readJournal() error {
	for _, name := range v.journalFiles() {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading the journal of the visibility store: %w", err)
		}
		for line := range bytes.Lines(b) {
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber() // a float64 would change large integers
			var c visibilityChange
			if err := d.Decode(&c); err == nil {
				c.restoreLists()
				v.add(c)
			} else if err != io.EOF { // EOF: an empty line
				v.logger.Warn("ignoring an incomplete line in the journal of the visibility store", "file", name, "error", err)
			}
		}
		fmt.Sscanf(filepath.Base(name), "journal-%d", &v.number)
	}
	return nil
}

// restoreLists gives keyword lists the type that SQLite's plugin expects.
func (c *visibilityChange) restoreLists() {
	if c.Row == nil || c.Row.SearchAttributes == nil {
		return
	}
	for name, value := range *c.Row.SearchAttributes {
		if list, ok := value.([]any); ok {
			words := make([]string, len(list))
			for i := range list {
				words[i] = fmt.Sprint(list[i])
			}
			(*c.Row.SearchAttributes)[name] = words
		}
	}
}

func (v *visibility) nextJournal() error {
	f, err := os.OpenFile(filepath.Join(v.dir, fmt.Sprintf("journal-%09d", v.number+1)), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("creating the journal of the visibility store: %w", err)
	}
	if v.journal != nil {
		v.journal.Close()
	}
	v.journal, v.number, v.size = f, v.number+1, 0
	return nil
}

func (v *visibility) record(c visibilityChange) (gosql.Result, error) {
	line, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding a change of the visibility store: %w", err)
	}
	v.mu.Lock()
	n, err := v.journal.Write(append([]byte{'\n'}, line...)) // a newline first, to end a line that a failed write cut
	v.size += n
	if err == nil {
		v.add(c)
	}
	full := v.size >= maxJournal
	v.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("writing the journal of the visibility store: %w", err)
	}
	if full {
		if err := v.apply(); err != nil { // not returned, because the change is in the journal
			v.logger.Error("applying the journal of the visibility store", "error", err)
		}
	}
	return driver.RowsAffected(1), nil
}

// add requires mu.
func (v *visibility) add(c visibilityChange) {
	v.pending.add(c)
	if c.Row == nil {
		v.eraseAfter(time.Second)
	}
}

// eraseAfter removes deleted runs from the files also if nobody lists. It requires mu.
func (v *visibility) eraseAfter(pause time.Duration) {
	if v.erasing {
		return
	}
	v.erasing = true
	time.AfterFunc(pause, func() {
		v.mu.Lock()
		v.erasing = false
		v.mu.Unlock()
		if err := v.apply(); err != nil {
			v.logger.Error("removing deleted workflows from the visibility store", "error", err)
			v.mu.Lock()
			v.eraseAfter(5 * time.Second)
			v.mu.Unlock()
		}
	})
}

// apply writes the pending changes to SQLite.
func (v *visibility) apply() error {
	v.applying.Lock()
	defer v.applying.Unlock()
	v.mu.Lock()
	if len(v.pending) == 0 {
		v.mu.Unlock()
		return nil
	}
	files := v.journalFiles()
	if err := v.nextJournal(); err != nil {
		v.mu.Unlock()
		return err
	}
	p := v.pending
	v.pending = pendingChanges{}
	v.mu.Unlock()

	if err := p.write(v.file); err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, newer := range v.pending {
			for _, c := range newer {
				p.add(c)
			}
		}
		v.pending = p
		return fmt.Errorf("writing to the visibility store: %w", err)
	}
	for _, name := range files {
		if os.Remove(name) != nil {
			break // it is applied again, with all newer files, which may contain deletions of its rows
		}
	}
	return nil
}
