package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/components/callbacks"
	"go.temporal.io/server/components/nexusoperations"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/service/frontend"
	"go.temporal.io/server/service/history"
	"go.temporal.io/server/service/history/replication"
	"go.temporal.io/server/service/matching"
	"go.temporal.io/server/temporal"
	"go.uber.org/fx"
	"google.golang.org/grpc"

	"triptych/tools/temporalite/store"
)

const clusterName = "active"

type server struct {
	temporal *temporal.ServerFx
	store    *store.Store
	ui       *ui.Server
}

// start returns when the server accepts requests and has the namespaces of o.
func start(o *options, logger logger) (*server, error) {
	c, err := o.config()
	if err != nil {
		return nil, err
	}
	s := &server{}
	if s.store, err = store.Open(filepath.Join(o.Dir, "store"), logger.slog); err != nil {
		return nil, err
	}
	visibility, err := openVisibility(filepath.Join(o.Dir, "visibility"), maxWait)
	if err != nil {
		return nil, err
	}
	c.Persistence.DataStores["visibility"] = config.DataStore{SQL: visibility}
	if err := o.createNamespaces(s.store.SQL); err != nil {
		return nil, err
	}
	calls := newInProcess()
	s.temporal, err = temporal.NewServerFx(module(calls),
		temporal.WithConfig(c),
		temporal.ForServices([]string{string(primitives.WorkerService)}), // module has the others
		temporal.WithStaticHosts(hosts(c)),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(o.dynamicConfigClient()),
		temporal.WithCustomDataStoreFactory(s.store),
		temporal.WithClientFactoryProvider(calls),
	)
	if err != nil {
		return nil, fmt.Errorf("configuring the server: %w", err)
	}
	if err := s.temporal.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	if !o.Headless {
		s.ui = ui.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
			Host: strings.TrimSuffix(address(o.UIIP, 0), ":0"), Port: o.UIPort, // with brackets around an IPv6 address
			TemporalGRPCAddress: address(o.IP, o.Port),
			EnableUI:            true,
			Codec:               uiconfig.Codec{Endpoint: o.UICodecEndpoint},
			CORS:                uiconfig.CORS{CookieInsecure: true},
			HideLogs:            true,
		}))
		go s.ui.Start() // ends the process if it cannot listen; requireFree has checked the port
	}
	return s, nil
}

func (s *server) stop() error {
	if s.ui != nil {
		s.ui.Stop()
	}
	return errors.Join(s.temporal.Stop(), s.store.Close())
}

func (o *options) config() (*config.Config, error) {
	c := &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second}}, // each service may take twice as long to start
		Persistence: config.Persistence{
			NumHistoryShards: 1,
			DefaultStore:     "store",
			VisibilityStore:  "visibility",
			DataStores: map[string]config.DataStore{
				"store": {CustomDataStoreConfig: &config.CustomDatastoreConfig{Name: "pebble"}},
			},
		},
		PublicClient: config.PublicClient{HostPort: address(o.IP, o.Port)},
		Services:     map[string]config.Service{},
	}
	uiPort := o.UIPort
	if o.Headless {
		uiPort = 0 // which means any port, and is free
	}
	if err := errors.Join(requireFree(o.IP, o.Port, "-port"), requireFree(o.UIIP, uiPort, "-ui-port"),
		requireFree(o.IP, o.MetricsPort, "-metrics-port"), requireFree(o.IP, o.HTTPPort, "-http-port")); err != nil {
		return nil, err
	}
	if o.MetricsPort != 0 {
		c.Global.Metrics = &metrics.Config{Prometheus: &metrics.PrometheusConfig{ListenAddress: address(o.IP, o.MetricsPort), HandlerPath: "/metrics"}}
	}
	for _, name := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		c.Services[string(name)] = config.Service{RPC: config.RPC{BindOnIP: o.IP}} // on any port: calls stay in the process
	}
	c.Services[string(primitives.FrontendService)] = config.Service{RPC: config.RPC{GRPCPort: o.Port, HTTPPort: o.HTTPPort, BindOnIP: o.IP}}
	c.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
			Enabled:                true,
			InitialFailoverVersion: 1,
			RPCAddress:             address(o.IP, o.Port),
			HTTPAddress:            address(o.IP, o.HTTPPort),
			ClusterID:              uuid.NewString(),
		}},
	}
	return c, nil
}

func (o *options) dynamicConfigClient() dynamicconfig.Client {
	values := dynamicconfig.StaticClient{
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key(): 1024, // entries; a started workflow has two, its execution of about 20 kB and an empty one
		dynamicconfig.XDCCacheMaxSizeBytes.Key():         1,    // raised to the smallest size; its events are for other clusters
		// Each worker of a queue may lock an entry of this cache. If all entries are locked, requests fail. The 512 workers of the
		// visibility queue release theirs before they wait.
		dynamicconfig.TransferProcessorSchedulerWorkerCount.Key():        64,
		dynamicconfig.TimerProcessorSchedulerWorkerCount.Key():           64,
		dynamicconfig.VisibilityProcessorEnsureCloseBeforeDelete.Key():   true, // a close that is repeated later would bring a deleted run back
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key():      true, // a new attribute can be used immediately
		// When a queue reads new tasks, it copies the list of those since its last acknowledgement (split in service/history/queues/tracker.go).
		// With the default of 30 s, this caused 28 % of the allocations.
		dynamicconfig.TransferProcessorUpdateAckInterval.Key():    time.Second,
		dynamicconfig.TimerProcessorUpdateAckInterval.Key():       time.Second,
		dynamicconfig.VisibilityProcessorUpdateAckInterval.Key():  time.Second,
		dynamicconfig.HistoryTaskDLQUnexpectedErrorAttempts.Key(): math.MaxInt32, // repeat tasks however long the disk is full
		// With matching.enableFairness, a queue merges each new task with all that it has read (mergeTasksLocked in
		// service/matching/fair_task_reader.go). With the default of 1,000, this took 10 % of the CPU time with 1,000 pictures in flight.
		dynamicconfig.MatchingGetTasksBatchSize.Key(): 100,
		dynamicconfig.MatchingGetTasksReloadAt.Key():  20, // must be less than the batch
		dynamicconfig.FrontendPersistenceMaxQPS.Key(): 10000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():  45000,
		dynamicconfig.EnableNexus.Key():               o.HTTPPort != 0, // its callbacks need the HTTP API
	}
	if http := address(o.IP, o.HTTPPort); o.HTTPPort != 0 {
		values[nexusoperations.CallbackURLTemplate.Key()] = "http://" + http + "/namespaces/{{.NamespaceName}}/nexus/callback"
		values[callbacks.AllowedAddresses.Key()] = []any{map[string]any{"Pattern": http, "AllowInsecure": true}}
	}
	for key, value := range o.DynamicConfig {
		values[dynamicconfig.Key(key)] = value
	}
	return values
}

func requireFree(ip string, port int, flag string) error {
	l, err := net.Listen("tcp", address(ip, port))
	if err != nil {
		return fmt.Errorf("%w: stop the other program, or choose another port with %s", err, flag)
	}
	return l.Close()
}

func hosts(c *config.Config) map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, s := range c.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(address(s.RPC.BindOnIP, s.RPC.GRPCPort))
	}
	return hosts
}

// createNamespaces creates those that do not exist. Without it, clients would have to wait until the running server
// had created a namespace and refreshed its cache.
func (o *options) createNamespaces(c *config.SQL) error {
	var namespaces []*sqlite.NamespaceConfig
	for _, name := range o.Namespaces {
		n, err := sqlite.NewNamespaceConfig(clusterName, name, false, o.SearchAttributes)
		if err != nil {
			return fmt.Errorf("configuring the namespace %q: %w", name, err)
		}
		namespaces = append(namespaces, n)
	}
	return sqlite.CreateNamespaces(c, namespaces...)
}

// module adds history, matching and the frontend to temporal.TopLevelModule, which starts its own only if ForServices names them.
// History and matching register their handlers in calls. The frontend reuses goroutines for requests.
func module(calls *inProcess) fx.Option {
	return fx.Options(
		temporal.TopLevelModule,
		fx.Provide(
			provide(primitives.HistoryService, history.QueueModule, history.Module, replication.Module,
				fx.Invoke(func(c chainParams, h *history.Handler) { calls.history.serve(c, h) })),
			provide(primitives.MatchingService, matching.Module,
				fx.Invoke(func(c chainParams, h *matching.Handler) { calls.matching.serve(c, h) })),
			provide(primitives.FrontendService, frontend.Module, fx.Supply([]grpc.UnaryServerInterceptor{}),
				fx.Decorate(func(o frontend.GrpcServerOptions) frontend.GrpcServerOptions {
					// A new goroutine for each request would have to enlarge its stack several times: 5 % of the CPU time.
					o.Options = append(o.Options, grpc.NumStreamWorkers(128))
					return o
				})),
		),
	)
}

func provide(name primitives.ServiceName, modules ...fx.Option) func(temporal.ServiceProviderParamsCommon) (temporal.ServicesGroupOut, error) {
	return func(p temporal.ServiceProviderParamsCommon) (temporal.ServicesGroupOut, error) {
		app := fx.New(p.GetCommonServiceOptions(name), fx.Options(modules...))
		return temporal.NewService(app, name, p.Logger), app.Err()
	}
}
