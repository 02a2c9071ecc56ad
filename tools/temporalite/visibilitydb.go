package main

import (
	"context"
	gosql "database/sql"
	"errors"
	"maps"
	"slices"

	"go.temporal.io/server/common/persistence/sql/sqlplugin"
)

// pendingChanges has the deletion, the newest row, or both in this order, of each run.
type pendingChanges map[visibilityRun][]visibilityChange

func (p pendingChanges) add(c visibilityChange) {
	changes := p[c.Run]
	switch last := len(changes) - 1; {
	case c.Row == nil:
		changes = []visibilityChange{c}
	case last < 0 || changes[last].Row == nil:
		changes = append(changes, c)
	case c.Row.Version > changes[last].Row.Version:
		changes[last] = c
	}
	p[c.Run] = changes
}

func (p pendingChanges) write(db sqliteDB) error {
	ctx := context.Background() // because a list whose deadline passes must not undo the work
	tx, err := db.BeginTx(ctx)
	if err != nil {
		return err
	}
	deleted := false
	for _, c := range slices.Concat(slices.Collect(maps.Values(p))...) {
		if c.Row == nil {
			deleted = true
			_, err = tx.DeleteFromVisibility(ctx, c.Run)
		} else {
			_, err = tx.ReplaceIntoVisibility(ctx, c.Row)
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

// lazyDB writes to the journal, and reads from SQLite after applying it.
type lazyDB struct {
	sqliteDB
	v *visibility
}

func (db lazyDB) DbName() string { return "visibility" } // also the name of the index, so it must not change with the directory

// InsertIntoVisibility is ReplaceIntoVisibility, because the row with the newest version remains, as in the server's store for
// Elasticsearch.
func (db lazyDB) InsertIntoVisibility(ctx context.Context, row *sqlplugin.VisibilityRow) (gosql.Result, error) {
	return db.ReplaceIntoVisibility(ctx, row)
}

func (db lazyDB) ReplaceIntoVisibility(_ context.Context, row *sqlplugin.VisibilityRow) (gosql.Result, error) {
	return db.v.record(visibilityChange{visibilityRun{NamespaceID: row.NamespaceID, RunID: row.RunID}, row})
}

func (db lazyDB) DeleteFromVisibility(_ context.Context, run visibilityRun) (gosql.Result, error) {
	return db.v.record(visibilityChange{Run: run})
}

func (db lazyDB) SelectFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) ([]sqlplugin.VisibilityRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.SelectFromVisibility)
}

func (db lazyDB) GetFromVisibility(ctx context.Context, filter sqlplugin.VisibilityGetFilter) (*sqlplugin.VisibilityRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.GetFromVisibility)
}

func (db lazyDB) CountFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) (int64, error) {
	return read(ctx, db.v, filter, db.sqliteDB.CountFromVisibility)
}

func (db lazyDB) CountGroupByFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) ([]sqlplugin.VisibilityCountRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.CountGroupByFromVisibility)
}

func read[F, A any](ctx context.Context, v *visibility, filter F, query func(context.Context, F) (A, error)) (answer A, err error) {
	if err := v.apply(); err != nil {
		return answer, err
	}
	return query(ctx, filter)
}
