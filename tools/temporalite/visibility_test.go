package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/suite"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	persistencetests "go.temporal.io/server/common/persistence/persistence-tests"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/tests"
	"go.temporal.io/server/common/resolver"
)

// visibilityCluster gives the server's suite a visibility store in a directory.
type visibilityCluster struct{ config config.Persistence }

func (c *visibilityCluster) SetupTestDatabase()         {}
func (c *visibilityCluster) TearDownTestDatabase()      {}
func (c *visibilityCluster) Config() config.Persistence { return c.config }

func TestVisibilityPersistenceSuite(t *testing.T) {
	c, _ := openTestVisibility(t, t.TempDir())
	s := new(tests.VisibilityPersistenceSuite)
	s.TestBase = persistencetests.NewTestBaseForCluster(&visibilityCluster{config.Persistence{
		VisibilityStore: "visibility",
		DataStores:      map[string]config.DataStore{"visibility": {SQL: c}},
	}}, log.NewNoopLogger())
	suite.Run(t, s)
}

func TestVisibility(t *testing.T) {
	t.Run("changes_survive_a_crash", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "applied", 1)
		requireCount(t, db, 1)
		replace(t, db, "journaled", 1)
		insert(t, db, "deleted", 1)
		remove(t, db, "deleted")
		list := []string{"a", "b"}
		row := testRow("attributes", 1)
		row.SearchAttributes = &sqlplugin.VisibilitySearchAttributes{"KeywordList01": list, "Int01": int64(1<<53 + 1)}
		if _, err := db.ReplaceIntoVisibility(t.Context(), row); err != nil {
			t.Fatal(err)
		}

		_, db = openTestVisibility(t, copyOf(t, dir))
		requireCount(t, db, 3)
		got, err := db.GetFromVisibility(t.Context(), sqlplugin.VisibilityGetFilter{NamespaceID: "n", RunID: "attributes"})
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprint((*got.SearchAttributes)["KeywordList01"]); s != "[a b]" {
			t.Errorf("the keyword list is %s", s)
		}
		var n int64
		if n, err = db.CountFromVisibility(t.Context(), sqlplugin.VisibilitySelectFilter{
			Query: "SELECT COUNT(*) FROM executions_visibility WHERE Int01 = ?", QueryArgs: []any{int64(1<<53 + 1)}}); err != nil || n != 1 {
			t.Errorf("%d runs have the large integer, error %v", n, err)
		}
	})
	t.Run("a_cut_line_of_the_journal_is_ignored", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "first", 1)
		replace(t, db, "second", 1)
		crashed := copyOf(t, dir)
		name := filepath.Join(crashed, "journal-000000001")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b[:len(b)-20], 0o600); err != nil {
			t.Fatal(err)
		}
		_, db = openTestVisibility(t, crashed)
		requireCount(t, db, 1)
		replace(t, db, "second", 1)
		_, db = openTestVisibility(t, copyOf(t, crashed))
		requireCount(t, db, 2)
	})
	t.Run("a_failed_write_of_the_journal_loses_no_later_change", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "before", 1)
		if _, err := db.(lazyDB).v.journal.WriteString("\n{\"Run\":{\"Names"); err != nil {
			t.Fatal(err)
		}
		replace(t, db, "after", 1)
		replace(t, db, "later", 1)
		_, db = openTestVisibility(t, copyOf(t, dir))
		requireCount(t, db, 3)
	})
	t.Run("a_file_of_another_version_of_Temporal_is_refused", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		if err := db.(lazyDB).Exec("ALTER TABLE executions_visibility RENAME COLUMN history_length TO length"); err != nil {
			t.Fatal(err)
		}
		_, err := openVisibility(copyOf(t, dir), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "was created by another version of Temporal") {
			t.Errorf("opening the file gives %v", err)
		}
	})
	t.Run("the_newest_version_wins", func(t *testing.T) {
		for name, write := range map[string]func(sqlplugin.DB){
			"in_order": func(db sqlplugin.DB) { insert(t, db, "r", 1); replace(t, db, "r", 2); replace(t, db, "r", 3) },
			"reversed": func(db sqlplugin.DB) { replace(t, db, "r", 3); replace(t, db, "r", 2); insert(t, db, "r", 1) },
			"after_being_listed": func(db sqlplugin.DB) {
				replace(t, db, "r", 3)
				requireCount(t, db, 1)
				replace(t, db, "r", 2)
				insert(t, db, "r", 1)
			},
			"after_a_deletion": func(db sqlplugin.DB) {
				replace(t, db, "r", 9)
				requireCount(t, db, 1)
				remove(t, db, "r")
				replace(t, db, "r", 3)
			},
		} {
			t.Run(name, func(t *testing.T) {
				_, db := openTestVisibility(t, t.TempDir())
				write(db)
				requireCount(t, db, 1)
				row, err := db.GetFromVisibility(t.Context(), sqlplugin.VisibilityGetFilter{NamespaceID: "n", RunID: "r"})
				if err != nil || row.WorkflowID != "r 3" {
					t.Errorf("the row is %v, error %v", row, err)
				}
			})
		}
	})
	t.Run("the_journal_is_bounded", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		changeOften(t, db, "r")
		files, err := filepath.Glob(filepath.Join(dir, "journal-*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("the journal has the files %v, error %v", files, err)
		}
		if info, err := os.Stat(files[0]); err != nil || info.Size() >= maxJournal {
			t.Errorf("%s has %d bytes, error %v", files[0], info.Size(), err)
		}
		requireCount(t, db, 1)
	})
	t.Run("a_deleted_run_leaves_the_files", func(t *testing.T) {
		for name, between := range map[string]func(sqlplugin.DB){
			"when_SQLite_had_it":        func(db sqlplugin.DB) { requireCount(t, db, 1) },
			"when_only_the_journal_had": func(sqlplugin.DB) {},
		} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				_, db := openTestVisibility(t, dir)
				replace(t, db, "secret-run", 1)
				between(db)
				if !filesContain(t, dir, "secret-run") {
					t.Fatal("no file contains the run before its deletion")
				}
				remove(t, db, "secret-run")
				requireErased(t, dir, "secret-run")
			})
		}
	})
	t.Run("changes_stay_when_SQLite_cannot_be_written", func(t *testing.T) {
		_, db := openTestVisibility(t, t.TempDir())
		replace(t, db, "first", 1)
		if err := db.(lazyDB).Exec("PRAGMA query_only = on"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.CountFromVisibility(t.Context(), countAll); err == nil {
			t.Fatal("a read succeeded without the pending changes")
		}
		changeOften(t, db, "second")
		if err := db.(lazyDB).Exec("PRAGMA query_only = off"); err != nil {
			t.Fatal(err)
		}
		requireCount(t, db, 2)
	})
	t.Run("an_erasure_is_repeated_after_a_failure", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		logged := make(lineWriter, 10)
		db.(lazyDB).v.logger = slog.New(slog.NewTextHandler(logged, nil))
		replace(t, db, "secret-run", 1)
		requireCount(t, db, 1)
		if err := db.(lazyDB).Exec("PRAGMA query_only = on"); err != nil {
			t.Fatal(err)
		}
		remove(t, db, "secret-run")
		if line := <-logged; !strings.Contains(line, "removing deleted workflows from the visibility store") {
			t.Fatalf("the log contains %s", line)
		}
		if err := db.(lazyDB).Exec("PRAGMA query_only = off"); err != nil {
			t.Fatal(err)
		}
		requireErased(t, dir, "secret-run")
	})
}

func BenchmarkVisibility(b *testing.B) {
	_, db := openTestVisibility(b, b.TempDir())
	for i := 0; b.Loop(); i++ {
		insert(b, db, fmt.Sprint(i), 1)
		replace(b, db, fmt.Sprint(i), 2)
	}
}

func openTestVisibility(t testing.TB, dir string) (*config.SQL, sqlplugin.DB) {
	t.Helper()
	c, err := openVisibility(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.NewSQLDB(sqlplugin.DbKindVisibility, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		t.Fatal(err)
	}
	return c, db
}

// copyOf is what a new process finds after kill -9 of the one that uses dir.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

func filesContain(t *testing.T, dir, part string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		b, _ := os.ReadFile(filepath.Join(dir, e.Name())) // a journal may be deleted meanwhile
		return bytes.Contains(b, []byte(part))
	})
}

func requireErased(t *testing.T, dir, run string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); filesContain(t, dir, run); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a file still contains the deleted run")
		}
	}
}

type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

func testRow(run string, version int64) *sqlplugin.VisibilityRow {
	now := time.Now()
	return &sqlplugin.VisibilityRow{NamespaceID: "n", RunID: run, WorkflowID: fmt.Sprint(run, " ", version), WorkflowTypeName: "T", TaskQueue: "q",
		StartTime: now, ExecutionTime: now, Status: 1, Encoding: "Proto3", Version: version}
}

func insert(t testing.TB, db sqlplugin.DB, run string, version int64) {
	t.Helper()
	if _, err := db.InsertIntoVisibility(t.Context(), testRow(run, version)); err != nil {
		t.Fatal(err)
	}
}

func replace(t testing.TB, db sqlplugin.DB, run string, version int64) {
	t.Helper()
	if _, err := db.ReplaceIntoVisibility(t.Context(), testRow(run, version)); err != nil {
		t.Fatal(err)
	}
}

// changeOften writes more than maxJournal to the journal.
func changeOften(t testing.TB, db sqlplugin.DB, run string) {
	t.Helper()
	line, err := json.Marshal(testRow(run, 1))
	if err != nil {
		t.Fatal(err)
	}
	for version := range int64(maxJournal/len(line) + 100) {
		replace(t, db, run, version+1)
	}
}

func remove(t testing.TB, db sqlplugin.DB, run string) {
	t.Helper()
	if _, err := db.DeleteFromVisibility(t.Context(), sqlplugin.VisibilityDeleteFilter{NamespaceID: "n", RunID: run}); err != nil {
		t.Fatal(err)
	}
}

var countAll = sqlplugin.VisibilitySelectFilter{Query: "SELECT COUNT(*) FROM executions_visibility"}

func requireCount(t testing.TB, db sqlplugin.DB, want int64) {
	t.Helper()
	if n, err := db.CountFromVisibility(t.Context(), countAll); err != nil || n != want {
		t.Fatalf("%d runs are listed, want %d, error %v", n, want, err)
	}
}
