package store

import (
	"log/slog"
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
			_, f := open(t, t.TempDir())
			suite.Run(t, newSuite(t, f))
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
