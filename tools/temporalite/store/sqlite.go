package store

import (
	"fmt"
	"maps"
	"strings"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	schema "go.temporal.io/server/schema/sqlite"
)

// FileURI escapes a path for a file: URI (https://www.sqlite.org/uri.html).
var FileURI = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

// OpenSQLite opens an SQLite file, or creates it with the server's tables.
func OpenSQLite(file string, pragmas map[string]string) (*config.SQL, error) {
	// Without secure_delete, the file would contain deleted rows until SQLite uses their pages again.
	attributes := map[string]string{"mode": "rwc", "journal_mode": "wal", "secure_delete": "on"}
	maps.Copy(attributes, pragmas)
	c := &config.SQL{PluginName: sqlite.PluginName, DatabaseName: FileURI.Replace(file), ConnectAttributes: attributes}
	db, err := sql.NewSQLAdminDB(sqlplugin.DbKindUnknown, c, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	if err := createTables(db, file); err != nil {
		return nil, fmt.Errorf("creating the tables of %s: %w", file, err)
	}
	return c, nil
}

// createTables uses one transaction, because the server would take a file with some of the tables for complete. The plugin uses
// one connection to a file.
func createTables(db sqlplugin.AdminDB, file string) error {
	tables, err := db.ListTables(file)
	if err != nil || len(tables) > 0 {
		return err
	}
	if err := db.Exec("BEGIN"); err != nil {
		return err
	}
	if err := schema.SetupSchemaOnDB(db); err != nil {
		return err
	}
	return db.Exec("COMMIT")
}
