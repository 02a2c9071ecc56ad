package main

import (
	"context"
	gosql "database/sql"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
)

// CreateDB implements sqlplugin.Plugin.
func (v *visibility) CreateDB(sqlplugin.DbKind, *config.SQL, resolver.ServiceResolver, log.Logger, metrics.Handler) (sqlplugin.GenericDB, error) {
	return visibilityDB{v.reads, v}, nil
}

// visibilityDB writes with other calls, and reads after the waiting changes are written.
type visibilityDB struct {
	sqliteDB
	v *visibility
}

func (db visibilityDB) DbName() string { return "visibility" } // also the name of the index, so it must not change with the directory

// InsertIntoVisibility is ReplaceIntoVisibility, because the row with the newest version remains, as in the server's store for
// Elasticsearch.
func (db visibilityDB) InsertIntoVisibility(ctx context.Context, row *sqlplugin.VisibilityRow) (gosql.Result, error) {
	return db.ReplaceIntoVisibility(ctx, row)
}

func (db visibilityDB) ReplaceIntoVisibility(ctx context.Context, row *sqlplugin.VisibilityRow) (gosql.Result, error) {
	return db.v.record(ctx, visibilityChange{run: visibilityRun{NamespaceID: row.NamespaceID, RunID: row.RunID}, row: row})
}

func (db visibilityDB) DeleteFromVisibility(ctx context.Context, run visibilityRun) (gosql.Result, error) {
	return db.v.record(ctx, visibilityChange{run: run})
}

func (db visibilityDB) SelectFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) ([]sqlplugin.VisibilityRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.SelectFromVisibility)
}

func (db visibilityDB) GetFromVisibility(ctx context.Context, filter sqlplugin.VisibilityGetFilter) (*sqlplugin.VisibilityRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.GetFromVisibility)
}

func (db visibilityDB) CountFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) (int64, error) {
	return read(ctx, db.v, filter, db.sqliteDB.CountFromVisibility)
}

func (db visibilityDB) CountGroupByFromVisibility(ctx context.Context, filter sqlplugin.VisibilitySelectFilter) ([]sqlplugin.VisibilityCountRow, error) {
	return read(ctx, db.v, filter, db.sqliteDB.CountGroupByFromVisibility)
}

func read[F, A any](ctx context.Context, v *visibility, filter F, query func(context.Context, F) (A, error)) (answer A, err error) {
	v.using.Lock() // also during the query, which would keep a deletion from truncating the write-ahead log; changes wait meanwhile
	defer v.using.Unlock()
	if err := v.writeLocked(); err != nil {
		return answer, err
	}
	return query(ctx, filter)
}
