// Temporalite is a Temporal server for one machine: one process, one data directory, no other service.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/headers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer context.AfterFunc(ctx, stop)() // a second signal ends the process immediately, which loses nothing
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "temporalite:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // with 100, garbage collection takes a tenth of the server's CPU time
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit) // GCPercent alone would let the process grow to 900 MB
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "temporalite-"); err != nil {
			return fmt.Errorf("creating a directory for the data: %w", err)
		}
		defer os.RemoveAll(o.Dir)
	}
	s, err := start(o, newLogger(stderr, o.LogLevel))
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Temporal %s listens on %s\n", headers.ServerVersion, address(o.IP, o.Port))
	if !o.Headless {
		fmt.Fprintf(stdout, "Its Web UI is http://%s\n", address(o.UIIP, o.UIPort))
	}
	<-ctx.Done()
	return s.stop()
}

// memoryLimit is the limit of Go's heap. The program (up to 145 MB) and the caches of Pebble and of SQLite are outside of the heap.
// With this limit, the process reached 393 MB with 110,000 retained workflow executions.
const memoryLimit = 180 << 20

type options struct {
	IP               string
	Port             int
	HTTPPort         int
	Headless         bool
	UIIP             string
	UIPort           int
	UICodecEndpoint  string
	MetricsPort      int
	Dir              string
	Namespaces       []string
	SearchAttributes map[string]enumspb.IndexedValueType
	DynamicConfig    map[string]any
	LogLevel         slog.Level
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{
		Namespaces:       []string{"default"},
		SearchAttributes: map[string]enumspb.IndexedValueType{},
		DynamicConfig:    map[string]any{},
		LogLevel:         slog.LevelWarn,
	}
	f := flag.NewFlagSet("temporalite", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run's caller prints the errors
	f.StringVar(&o.IP, "ip", "127.0.0.1", "`address` on which the server listens; there is no authentication, so other machines should not reach it")
	f.IntVar(&o.Port, "port", 7233, "`port` of the gRPC API")
	f.IntVar(&o.HTTPPort, "http-port", 0, "`port` of the HTTP API, which web pages in a browser on this machine can call (default: no HTTP API)")
	f.BoolVar(&o.Headless, "headless", false, "do not start the Web UI")
	f.StringVar(&o.UIIP, "ui-ip", "", "`address` on which the Web UI listens (default: that of -ip)")
	f.IntVar(&o.UIPort, "ui-port", 0, "`port` of the Web UI (default: the port of the gRPC API + 1000)")
	f.StringVar(&o.UICodecEndpoint, "ui-codec-endpoint", "", "`URL` of the codec server with which the Web UI decodes payloads")
	f.IntVar(&o.MetricsPort, "metrics-port", 0, "`port` of the Prometheus metrics (default: no metrics)")
	f.StringVar(&o.Dir, "dir", "", "`directory` that keeps the data (default: a temporary directory, deleted at the end)")
	f.Func("namespace", "`name` of a namespace to create, besides default; can be repeated", func(name string) error {
		o.Namespaces = append(o.Namespaces, name)
		return nil
	})
	f.Func("search-attribute", "search attribute of the namespaces that are created, as `name=type`, for example Status=Keyword; can be repeated", o.searchAttribute)
	f.Func("dynamic-config-value", "setting of the server as `key=JSON`, for example frontend.rps=100; can be repeated", o.dynamicConfig)
	f.Func("log-level", "`debug, info, warn, error or never` (default warn)", func(level string) error {
		if level == "never" {
			o.LogLevel = math.MaxInt
			return nil
		}
		return o.LogLevel.UnmarshalText([]byte(level))
	})
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, "temporalite runs a Temporal server on this machine until it is interrupted.\n\nFlags:\n")
		f.SetOutput(stderr)
		f.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: see temporalite -h", err)
	case f.NArg() > 0:
		return nil, fmt.Errorf("%q is not a flag: see temporalite -h", f.Arg(0))
	}
	if o.IP == "localhost" {
		o.IP = "127.0.0.1"
	}
	if o.UIIP == "" {
		o.UIIP = o.IP
	}
	if o.UIPort == 0 {
		o.UIPort = min(o.Port+1000, math.MaxUint16)
	}
	return o, nil
}

func (o *options) searchAttribute(value string) error {
	name, kind, _ := strings.Cut(value, "=")
	for known, t := range enumspb.IndexedValueType_shorthandValue {
		if name != "" && strings.EqualFold(kind, known) && t != 0 {
			o.SearchAttributes[name] = enumspb.IndexedValueType(t)
			return nil
		}
	}
	return errors.New("must be name=type; types are Bool, Datetime, Double, Int, Keyword, KeywordList and Text")
}

func (o *options) dynamicConfig(value string) error {
	key, text, _ := strings.Cut(value, "=")
	var v any
	if err := json.Unmarshal([]byte(text), &v); key == "" || err != nil {
		return errors.New("must be key=JSON; a string needs quotes")
	}
	if i, err := strconv.Atoi(text); err == nil {
		v = i // the server does not accept a float64 for an int
	}
	o.DynamicConfig[key] = v
	return nil
}

func address(ip string, port int) string {
	return net.JoinHostPort(ip, strconv.Itoa(port))
}
