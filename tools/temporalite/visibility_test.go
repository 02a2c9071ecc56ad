package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
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
	t.Run("a_change_is_in_the_file_when_the_call_returns", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "r", 1)
		_, db = openTestVisibility(t, copyOf(t, dir))
		requireCount(t, db, 1)
	})
	t.Run("a_list_contains_the_changes_that_wait", func(t *testing.T) {
		db := neverWritten(t)
		var calls sync.WaitGroup
		calls.Go(func() { replace(t, db, "first", 1) })
		calls.Go(func() { replace(t, db, "second", 1) })
		awaitChanges(t, db, 2)
		requireCount(t, db, 2)
		calls.Wait()
	})
	t.Run("many_changes_are_written_without_a_reader", func(t *testing.T) {
		db := neverWritten(t)
		var calls sync.WaitGroup
		for i := range maxChanges {
			calls.Go(func() { replace(t, db, fmt.Sprint(i), 1) })
		}
		calls.Wait()
		requireCount(t, db, maxChanges)
	})
	t.Run("a_call_returns_when_its_context_ends", func(t *testing.T) {
		db := neverWritten(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.ReplaceIntoVisibility(ctx, testRow("r", 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		requireCount(t, db, 1) // it is written nevertheless
	})
	t.Run("the_newest_version_wins", func(t *testing.T) {
		deletion := visibilityChange{run: visibilityRun{NamespaceID: "n", RunID: "r"}}
		version := func(n int64) visibilityChange { return visibilityChange{run: deletion.run, row: testRow("r", n)} }
		for name, batches := range map[string][][]visibilityChange{
			"in_order":                       {{version(1), version(2), version(3)}},
			"reversed":                       {{version(3), version(2), version(1)}},
			"reversed_in_other_transactions": {{version(3)}, {version(2), version(1)}},
			"after_a_deletion":               {{version(9)}, {deletion, version(3)}},
			"after_a_deletion_in_one_batch":  {{version(9), deletion, version(2), version(3)}},
			"after_a_deletion_before":        {{version(9)}, {deletion}, {version(3)}},
		} {
			t.Run(name, func(t *testing.T) {
				_, db := openTestVisibility(t, t.TempDir())
				for _, changes := range batches {
					if refused, err := db.(visibilityDB).v.transaction(changes); err != nil || errors.Join(refused...) != nil {
						t.Fatal(refused, err)
					}
				}
				requireCount(t, db, 1)
				row, err := db.GetFromVisibility(t.Context(), sqlplugin.VisibilityGetFilter{NamespaceID: "n", RunID: "r"})
				if err != nil || row.WorkflowID != "r 3" {
					t.Errorf("the row is %v, error %v", row, err)
				}
			})
		}
	})
	t.Run("a_row_is_written_as_by_the_server's_plugin", func(t *testing.T) {
		_, ours := openTestVisibility(t, t.TempDir())
		_, db := openTestVisibility(t, t.TempDir())
		plugin := db.(visibilityDB).v.reads
		closed, n, took, parent := time.Date(2026, 11, 29, 1, 2, 3, 456789012, time.FixedZone("", 3600)), int64(7), time.Hour, "parent"
		full := testRow("full", 1)
		full.CloseTime, full.HistoryLength, full.HistorySizeBytes, full.StateTransitionCount = &closed, &n, &n, &n
		full.ExecutionDuration, full.ParentWorkflowID, full.ParentRunID, full.Memo = &took, &parent, &parent, []byte{0, 1}
		full.SearchAttributes = &sqlplugin.VisibilitySearchAttributes{"Bool01": true, "Datetime01": closed, "Double01": 0.5, "Int01": n,
			"Keyword01": "k", "KeywordList01": []string{"a", "b"}, "Text01": "some text"}
		empty := testRow("empty", 1)
		empty.StartTime, empty.ExecutionTime = time.Time{}, time.Time{}
		for _, row := range []*sqlplugin.VisibilityRow{full, empty} {
			if _, err := ours.ReplaceIntoVisibility(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			if _, err := plugin.ReplaceIntoVisibility(t.Context(), row); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := allColumns(t, ours), allColumns(t, db); len(want) != 2 || !reflect.DeepEqual(got, want) {
			t.Errorf("the rows are\n%v, want\n%v", got, want)
		}
	})
	t.Run("a_file_of_another_version_of_Temporal_is_refused", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		if err := db.(visibilityDB).Exec("ALTER TABLE executions_visibility RENAME COLUMN history_length TO length"); err != nil {
			t.Fatal(err)
		}
		_, err := openVisibility(copyOf(t, dir), time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), "was created by another version of Temporal") {
			t.Errorf("opening the file gives %v", err)
		}
	})
	t.Run("a_deleted_run_leaves_the_files", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "secret-run", 1)
		if !filesContain(t, dir, "secret-run") {
			t.Fatal("no file contains the run before its deletion")
		}
		if _, err := db.DeleteFromVisibility(t.Context(), visibilityRun{NamespaceID: "n", RunID: "secret-run"}); err != nil {
			t.Fatal(err)
		}
		if filesContain(t, dir, "secret-run") {
			t.Error("a file still contains the deleted run")
		}
	})
	t.Run("a_deletion_fails_while_another_program_keeps_the_row_in_the_log", func(t *testing.T) {
		dir := t.TempDir()
		_, db := openTestVisibility(t, dir)
		replace(t, db, "secret-run", 1)
		other, err := sqlx.Connect("sqlite", "file:"+filepath.Join(dir, "visibility.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		rows, err := other.Query("SELECT run_id FROM executions_visibility")
		if err != nil || !rows.Next() {
			t.Fatal("the other program reads no row", err)
		}
		remove := func() error {
			_, err := db.DeleteFromVisibility(t.Context(), visibilityRun{NamespaceID: "n", RunID: "secret-run"})
			return err
		}
		if err := remove(); err == nil {
			t.Error("the deletion succeeded")
		}
		requireCount(t, db, 0)
		rows.Close()
		if err := remove(); err != nil || filesContain(t, dir, "secret-run") {
			t.Errorf("the repeated deletion left the run in a file, or failed: %v", err)
		}
	})
	t.Run("a_row_that_SQLite_refuses_fails_no_other_run", func(t *testing.T) {
		db := neverWritten(t)
		if err := db.(visibilityDB).Exec("CREATE TRIGGER refuse BEFORE INSERT ON executions_visibility WHEN NEW.run_id = 'bad' BEGIN SELECT RAISE(ABORT, 'refused'); END"); err != nil {
			t.Fatal(err)
		}
		refused := make(chan error)
		writeBad := func() {
			_, err := db.ReplaceIntoVisibility(t.Context(), testRow("bad", 1))
			refused <- err
		}
		for good, begin := range []func(){writeBad, func() { go replace(t, db, "good", 1); writeBad() }} {
			go begin()
			awaitChanges(t, db, good+1)
			requireCount(t, db, int64(good))
			if err := <-refused; err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("the error of the refused row is %v", err)
			}
		}
	})
	t.Run("a_refused_row_also_fails_the_older_change_that_was_not_written", func(t *testing.T) {
		_, db := openTestVisibility(t, t.TempDir())
		v := db.(visibilityDB).v
		if _, err := v.writes.Exec("CREATE TRIGGER refuse BEFORE INSERT ON executions_visibility WHEN NEW._version = 2 BEGIN SELECT RAISE(ABORT, 'refused'); END"); err != nil {
			t.Fatal(err)
		}
		run := visibilityRun{NamespaceID: "n", RunID: "r"}
		refused, err := v.transaction([]visibilityChange{{run: run, row: testRow("r", 1)}, {run: run, row: testRow("r", 2)}})
		if err != nil || refused[0] == nil || refused[1] == nil {
			t.Errorf("refused are %v, error %v", refused, err)
		}
	})
	for name, failure := range map[string]struct{ begin, end string }{
		"a_full_disk": {"PRAGMA max_page_count = 1", "PRAGMA max_page_count = 100000"}, // at least the pages that exist
		"a_transaction_that_ends_early": {
			"CREATE TRIGGER stop BEFORE INSERT ON executions_visibility BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END", "DROP TRIGGER stop",
		},
	} {
		t.Run(name+"_fails_the_call_and_the_list_until_it_is_over", func(t *testing.T) {
			db := neverWritten(t)
			write := func() chan error {
				row, failed := testRow("r", 1), make(chan error, 1)
				row.Memo = make([]byte, 1<<20)
				go func() {
					_, err := db.ReplaceIntoVisibility(t.Context(), row)
					failed <- err
				}()
				awaitChanges(t, db, 1)
				return failed
			}
			if _, err := db.(visibilityDB).v.writes.Exec(failure.begin); err != nil {
				t.Fatal(err)
			}
			failed := write()
			if _, err := db.CountFromVisibility(t.Context(), countAll); err == nil {
				t.Error("a list succeeded without the waiting change")
			}
			if err := <-failed; err == nil {
				t.Error("a change was not written, and its call succeeded")
			}
			if _, err := db.(visibilityDB).v.writes.Exec(failure.end); err != nil {
				t.Fatal(err)
			}
			failed = write()
			requireCount(t, db, 1)
			if err := <-failed; err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a_failed_write_fails_the_call_and_the_list", func(t *testing.T) {
		db := neverWritten(t)
		if _, err := db.(visibilityDB).v.writes.Exec("PRAGMA query_only = on"); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error)
		go func() {
			_, err := db.ReplaceIntoVisibility(t.Context(), testRow("r", 1))
			failed <- err
		}()
		awaitChanges(t, db, 1)
		if _, err := db.CountFromVisibility(t.Context(), countAll); err == nil {
			t.Error("a list succeeded without the waiting change")
		}
		if err := <-failed; err == nil {
			t.Error("a change was not written, and its call succeeded")
		}
		if _, err := db.(visibilityDB).v.writes.Exec("PRAGMA query_only = off"); err != nil {
			t.Fatal(err)
		}
		requireCount(t, db, 0)
	})
}

// BenchmarkVisibility writes as many changes at a time as the server does under load.
func BenchmarkVisibility(b *testing.B) {
	db := neverWritten(b)
	for n := 0; b.Loop(); n++ {
		var calls sync.WaitGroup
		for i := range maxChanges {
			calls.Go(func() { replace(b, db, fmt.Sprint(n, i/2), int64(1+i%2)) })
		}
		calls.Wait()
	}
}

func openTestVisibility(t testing.TB, dir string) (*config.SQL, sqlplugin.DB) {
	t.Helper()
	return openWithWait(t, dir, time.Millisecond)
}

// neverWritten returns a store in which a change waits for a list or for other changes.
func neverWritten(t testing.TB) sqlplugin.DB {
	t.Helper()
	_, db := openWithWait(t, t.TempDir(), time.Hour)
	return db
}

func awaitChanges(t *testing.T, db sqlplugin.DB, n int) {
	t.Helper()
	v := db.(visibilityDB).v
	deadline := time.Now().Add(time.Minute)
	for waiting := 0; waiting < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d changes wait, want %d", waiting, n)
		}
		v.mu.Lock()
		waiting = len(v.waiting)
		v.mu.Unlock()
	}
}

func openWithWait(t testing.TB, dir string, maxWait time.Duration) (*config.SQL, sqlplugin.DB) {
	t.Helper()
	c, err := openVisibility(dir, maxWait)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.NewSQLDB(sqlplugin.DbKindVisibility, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		t.Fatal(err)
	}
	return c, db
}

// allColumns returns the rows with the generated columns.
func allColumns(t *testing.T, db sqlplugin.DB) (all []map[string]any) {
	t.Helper()
	rows, err := db.(visibilityDB).v.writes.Queryx(`SELECT *, start_time || '', execution_time || '', close_time || '' FROM executions_visibility ORDER BY run_id`) // the driver would parse other formats of times, too
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		columns := map[string]any{}
		if err := rows.MapScan(columns); err != nil {
			t.Fatal(err)
		}
		all = append(all, columns)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
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
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, []byte(part))
	})
}

func testRow(run string, version int64) *sqlplugin.VisibilityRow {
	now := time.Now()
	return &sqlplugin.VisibilityRow{NamespaceID: "n", RunID: run, WorkflowID: fmt.Sprint(run, " ", version), WorkflowTypeName: "T", TaskQueue: "q",
		StartTime: now, ExecutionTime: now, Status: 1, Encoding: "Proto3", Version: version}
}

func replace(t testing.TB, db sqlplugin.DB, run string, version int64) {
	t.Helper()
	if _, err := db.ReplaceIntoVisibility(t.Context(), testRow(run, version)); err != nil {
		t.Error(err) // not Fatal, because other goroutines call it
	}
}

var countAll = sqlplugin.VisibilitySelectFilter{Query: "SELECT COUNT(*) FROM executions_visibility"}

func requireCount(t testing.TB, db sqlplugin.DB, want int64) {
	t.Helper()
	if n, err := db.CountFromVisibility(t.Context(), countAll); err != nil || n != want {
		t.Fatalf("%d runs are listed, want %d, error %v", n, want, err)
	}
}

func TestVisibilityStaysInADirectoryWhoseNameHasCharactersOfAURI(t *testing.T) {
	parent := t.TempDir()
	openTestVisibility(t, filepath.Join(parent, "a#b?c%41"))
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
