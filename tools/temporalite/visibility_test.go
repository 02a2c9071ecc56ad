package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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
		for i := range 2*maxPending + 5 {
			insert(t, db, fmt.Sprint(i), 1)
			replace(t, db, fmt.Sprint(i), 2)
		}
		files, err := filepath.Glob(filepath.Join(dir, "journal-*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("the journal has the files %v, error %v", files, err)
		}
		if info, err := os.Stat(files[0]); err != nil || info.Size() > 64<<10 {
			t.Errorf("%s has %d bytes, error %v", files[0], info.Size(), err)
		}
		requireCount(t, db, 2*maxPending+5)
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
				for deadline := time.Now().Add(time.Minute); filesContain(t, dir, "secret-run"); time.Sleep(50 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("a file still contains the deleted run")
					}
				}
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
		replace(t, db, "second", 1)
		if err := db.(lazyDB).Exec("PRAGMA query_only = off"); err != nil {
			t.Fatal(err)
		}
		requireCount(t, db, 2)
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
