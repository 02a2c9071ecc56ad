// Command lambda runs one function as AWS Lambda does:
//
//	go run ./emulators/lambda -bootstrap PATH [-name NAME] [-addr HOST:PORT] [-url HOST:PORT] [-dir DIR]
//
// It serves the Invoke API at -addr and the function URL at -url.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"triptych/emulators/lambda/runtimeapi"
	"triptych/internal/flags"
	"triptych/internal/loopback"
)

func main() {
	config := runtimeapi.Config{Env: os.Environ(), Stderr: os.Stderr}
	flag.StringVar(&config.Bootstrap, "bootstrap", "", "`path` of the function's executable, for example one that uses aws-lambda-go; required")
	flag.StringVar(&config.Name, "name", "function", "`name` of the function")
	flag.StringVar(&config.Dir, "dir", ".lambda", "`directory` of the event queue and the dead letters; created if it is missing")
	flag.DurationVar(&config.Timeout, "timeout", 3*time.Second, "timeout of one invocation")
	addr := flag.String("addr", "127.0.0.1:9001", "loopback `host:port` of the Invoke API; port 0 selects a free port")
	url := flag.String("url", "", "loopback `host:port` of the function URL; empty means none")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Runs one Lambda function with its real bootstrap. It serves AWS's Invoke API and, with -url, a function URL.

usage: lambda -bootstrap PATH [-name NAME] [-addr HOST:PORT] [-url HOST:PORT] [-dir DIR] [-timeout DURATION]

`)
		flag.PrintDefaults()
	}
	flags.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config, *addr, *url); err != nil {
		slog.Error("the emulator of Lambda stopped: see -h", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config runtimeapi.Config, addr, url string) error {
	if err := validate(config); err != nil {
		return err
	}
	host, err := runtimeapi.New(config)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return host.Run(ctx) })
	g.Go(func() error { return serve(ctx, "AWS_ENDPOINT_URL_LAMBDA", addr, loopback.RefuseBrowsers(host)) })
	if url != "" {
		g.Go(func() error { return serve(ctx, "FUNCTION_URL", url, loopback.SameOrigin(host.URL())) })
	}
	return g.Wait()
}

// validate refuses what would fail each invocation. A missing bootstrap is an error of runtimeapi.New.
func validate(config runtimeapi.Config) error {
	if config.Timeout <= 0 {
		return fmt.Errorf("-timeout %s: want a duration above 0, such as 3s", config.Timeout)
	}
	bootstrap, err := filepath.Abs(config.Bootstrap) // else LookPath searches a name in PATH
	if err == nil && config.Bootstrap != "" {
		_, err = exec.LookPath(bootstrap)
	}
	if err != nil {
		return fmt.Errorf("-bootstrap %s is not an executable file: %w", config.Bootstrap, err)
	}
	return nil
}

// serve prints a line such as FUNCTION_URL=http://127.0.0.1:1234, then serves requests until ctx ends.
func serve(ctx context.Context, variable, addr string, handler http.Handler) error {
	ln, err := loopback.Listen(addr)
	if err != nil {
		return err
	}
	fmt.Printf("%s=http://%s\n", variable, ln.Addr())
	return loopback.Serve(ctx, ln, &http.Server{Handler: handler})
}
