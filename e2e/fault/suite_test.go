package fault

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/local/stack"
)

type suite struct {
	*testenv.Env
	proxies map[string]*toxiproxy.Proxy // by emulator: "s3", "vision", "cosmos", "temporal"
}

func start(t *testing.T) *suite {
	t.Helper()
	s := &suite{proxies: map[string]*toxiproxy.Proxy{}}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	s.Env = testenv.Start(t, func(c *stack.Config) {
		c.WorkerProxy = func(emulator, addr string) (string, error) {
			proxy := toxiproxy.NewProxy(server, emulator, "127.0.0.1:0", addr)
			s.proxies[emulator] = proxy
			err := proxy.Start() // sets proxy.Listen to the port it got
			return proxy.Listen, err
		}
	})
	stacktest.PauseSweeps(t, s.Stack)
	s.reserveAnnotations(t)
	t.Cleanup(func() {
		for _, proxy := range s.proxies {
			proxy.Stop()
		}
	})
	return s
}

func (s *suite) reserveAnnotations(t *testing.T) {
	t.Helper()
	s.Follow(t, s.Upload(t, []byte("<html>")).Link)
}

func (s *suite) addToxic(t *testing.T, emulator, toxic string) (remove func()) {
	t.Helper()
	proxy := s.proxies[emulator]
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
	remove = func() { proxy.Toxics.ResetToxics(context.Background()) }
	t.Cleanup(remove)
	return remove
}

func (s *suite) disconnect(t *testing.T, emulator string) (reconnect func()) {
	t.Helper()
	proxy := s.proxies[emulator]
	set := func(enabled bool) {
		t.Helper()
		if err := proxy.Update(&toxiproxy.Proxy{Listen: proxy.Listen, Upstream: proxy.Upstream, Enabled: enabled}); err != nil {
			t.Error(err)
		}
	}
	set(false)
	reconnect = func() { set(true) }
	t.Cleanup(reconnect)
	return reconnect
}

func (s *suite) readLog(t *testing.T, program string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.Dir(), "logs", program+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}
