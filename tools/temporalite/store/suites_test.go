package store

import (
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stretchr/testify/suite"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	p "go.temporal.io/server/common/persistence"
	persistencetests "go.temporal.io/server/common/persistence/persistence-tests"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/tests"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/resolver"
)

// open returns the stores of a new database in a directory. The database is closed after the test.
func open(t *testing.T, dir string) (*Store, p.DataStoreFactory) {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, factoryOf(s)
}

func factoryOf(s *Store) p.DataStoreFactory {
	return s.NewFactory(config.CustomDatastoreConfig{}, resolver.NewNoopResolver(), "active", log.NewNoopLogger(), metrics.NoopMetricsHandler)
}

// get returns a store that a method of a factory creates.
func get[S any](t *testing.T, create func() (S, error)) S {
	t.Helper()
	s, err := create()
	require.NoError(t, err)
	return s
}

// TestSuites runs the tests that Temporal has for its own stores.
func TestSuites(t *testing.T) {
	logger, serializer := log.NewNoopLogger(), serialization.NewSerializer()
	suites := map[string]func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite{
		"shards": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewShardSuite(t, get(t, f.NewShardStore), serializer, logger)
		},
		"mutable_state": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewExecutionMutableStateSuite(t, get(t, f.NewShardStore), get(t, f.NewExecutionStore), serializer, &p.HistoryBranchUtilImpl{}, logger)
		},
		"history_tasks": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewExecutionMutableStateTaskSuite(t, get(t, f.NewShardStore), get(t, f.NewExecutionStore), serializer, logger)
		},
		"history": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewHistoryEventsSuite(t, get(t, f.NewExecutionStore), logger)
		},
		"task_queues": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewTaskQueueSuite(t, get(t, f.NewTaskStore), logger)
		},
		"fair_task_queues": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewTaskQueueSuite(t, get(t, f.NewFairTaskStore), logger)
		},
		"tasks": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewTaskQueueTaskSuite(t, get(t, f.NewTaskStore), logger)
		},
		"fair_tasks": func(t *testing.T, f p.DataStoreFactory) suite.TestingSuite {
			return tests.NewTaskQueueFairTaskSuite(t, get(t, f.NewFairTaskStore), logger)
		},
	}
	for name, newSuite := range suites {
		t.Run(name, func(t *testing.T) {
			s, f := open(t, t.TempDir())
			suite.Run(t, newSuite(t, f))
			requireWorkflowsOnlyInPebble(t, s)
		})
	}
}

// TestHistorySuite runs Temporal's tests of histories in the layer above the stores.
func TestHistorySuite(t *testing.T) {
	s, _ := open(t, t.TempDir())
	base := persistencetests.NewTestBaseForCluster(testCluster{}, log.NewNoopLogger())
	base.AbstractDataStoreFactory = s
	base.Setup(nil)
	suite.Run(t, &persistencetests.HistoryV2PersistenceSuite{TestBase: base})
	requireWorkflowsOnlyInPebble(t, s)
}

// testCluster makes Temporal's tests use AbstractDataStoreFactory.
type testCluster struct{}

func (testCluster) SetupTestDatabase()    {}
func (testCluster) TearDownTestDatabase() {}
func (testCluster) Config() config.Persistence {
	limit := dynamicconfig.GetIntPropertyFn(primitives.DefaultTransactionSizeLimit)
	return config.Persistence{DefaultStore: "pebble", TransactionSizeLimit: limit, DataStores: map[string]config.DataStore{
		"pebble": {CustomDataStoreConfig: &config.CustomDatastoreConfig{Name: "pebble"}},
	}}
}

// requireWorkflowsOnlyInPebble finds methods that a new version of the server adds to the interfaces: they are inherited from SQL.
func requireWorkflowsOnlyInPebble(t *testing.T, s *Store) {
	t.Helper()
	db, err := sql.Open("sqlite", s.SQL.DatabaseName)
	require.NoError(t, err)
	defer db.Close()
	var tables string
	require.NoError(t, db.QueryRow("SELECT GROUP_CONCAT(name) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'executions_visibility%'").Scan(&tables))
	inSQLite := []string{
		"namespaces", "namespace_metadata", "cluster_metadata_info", "cluster_membership", "queue", "queue_metadata", "queues", "queue_messages",
		"nexus_endpoints", "nexus_endpoints_partition_status", "task_queue_user_data", "build_id_to_task_queue", "replication_tasks_dlq", "schema_version",
	}
	for _, table := range strings.Split(tables, ",") {
		var rows int
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&rows))
		require.True(t, rows == 0 || slices.Contains(inSQLite, table), "the table %s of SQLite has %d rows", table, rows)
	}
}
