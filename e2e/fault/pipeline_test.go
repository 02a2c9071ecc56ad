package fault

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"triptych/e2e/siteclient"
	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/local/stacktest"
)

// wholeStack is a running one, with a proxy on each wire of the worker.
type wholeStack struct {
	*stack.Stack
	site     siteclient.Site
	temporal client.Client
	records  *records.Container
	bucket   *s3.Client
	wires    map[string]*toxiproxy.Proxy
}

func start(t *testing.T) *wholeStack {
	t.Helper()
	p := &wholeStack{wires: map[string]*toxiproxy.Proxy{}}
	proxies := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p.Stack = stacktest.Start(t, func(c *stack.Config) {
		c.WorkerProxy = func(part, addr string) (string, error) {
			wire := toxiproxy.NewProxy(proxies, part, "127.0.0.1:0", addr)
			p.wires[part] = wire
			err := wire.Start() // says where it listens
			return wire.Listen, err
		}
	})
	stacktest.PauseSweeps(t, p.Stack)
	t.Cleanup(func() {
		for _, wire := range p.wires {
			wire.Stop()
		}
	})
	e := p.Endpoints
	p.site = siteclient.Site(e.Site)
	var err error
	if p.temporal, err = p.Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.temporal.Close)
	if p.records, err = records.Open(e.Cosmos, e.CosmosKey); err != nil {
		t.Fatal(err)
	}
	p.bucket = s3.New(s3.Options{BaseEndpoint: &e.S3, UsePathStyle: true, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider(e.AccessKey, e.SecretKey, "")})
	return p
}

// poison puts a toxic, as Toxiproxy's API takes it, on the wire between the worker and a part, until it is mended.
func (p *wholeStack) poison(t *testing.T, part, toxic string) (mend func()) {
	t.Helper()
	wire := p.wires[part]
	if _, err := wire.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
	mend = func() { wire.Toxics.ResetToxics(context.Background()) }
	t.Cleanup(mend)
	return mend
}

// cut unplugs the wire between the worker and a part: what is connected is cut off, and nothing listens any more.
func (p *wholeStack) cut(t *testing.T, part string) (mend func()) {
	t.Helper()
	wire := p.wires[part]
	set := func(enabled bool) {
		t.Helper()
		if err := wire.Update(&toxiproxy.Proxy{Listen: wire.Listen, Upstream: wire.Upstream, Enabled: enabled}); err != nil {
			t.Error(err)
		}
	}
	set(false)
	mend = func() { set(true) }
	t.Cleanup(mend)
	return mend
}

// bills counts the lines of Google's bill about any of what was shown.
func (p *wholeStack) bills(t *testing.T, shown ...string) (n int) {
	t.Helper()
	bill := p.log(t, "vision")
	for _, identity := range shown {
		n += strings.Count(bill, identity)
	}
	return n
}

func (p *wholeStack) log(t *testing.T, name string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(p.Dir(), "logs", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// patient is a context for waiting: what takes longer will never come.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// portrait is NASA's photograph of Eileen Collins, smiling; its source is in emulators/vision/testdata. Each case has one of
// its own: what follows a JPEG's end is no part of the picture.
func portrait(t *testing.T) []byte {
	t.Helper()
	photo, err := os.ReadFile("../../emulators/vision/testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return append(photo, t.Name()...)
}
