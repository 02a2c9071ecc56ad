// Command local runs the whole pipeline on this machine: go run ./local
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"triptych/local/stack"
)

const usage = `local runs the whole pipeline on this machine, on loopback only: the site, S3, the Lambda, Temporal,
the worker, Cloud Vision and Cosmos DB.

usage: go run ./local [flags]

`

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	config, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	if err := run(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func parse(args []string, help io.Writer) (stack.Config, error) {
	config := stack.Config{Say: os.Stdout}
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(help)
	f.Usage = func() {
		fmt.Fprint(help, usage)
		f.PrintDefaults()
	}
	f.StringVar(&config.Dir, "data", ".triptych", "`directory` that keeps everything; delete it to start afresh")
	f.StringVar(&config.Addr, "addr", "127.0.0.1:8080", "`host:port` of the site")
	f.StringVar(&config.Temporal, "temporal", "", "`host:port` of a Temporal that already runs, instead of starting one")
	f.Func("real", "`clouds` to use for real, by their default credentials: aws,google,azure", func(list string) error {
		config.Real = strings.Split(list, ",")
		for _, cloud := range config.Real {
			if !slices.Contains([]string{"aws", "google", "azure"}, cloud) {
				return fmt.Errorf("%q is none of aws, google, azure", cloud)
			}
		}
		return nil
	})
	if err := f.Parse(args); err != nil {
		return config, err
	}
	if f.NArg() > 0 {
		return config, fmt.Errorf("local takes no arguments but flags, not %q; see -h", f.Arg(0))
	}
	return config, nil
}

func run(ctx context.Context, config stack.Config) error {
	started := time.Now()
	fmt.Fprintln(config.Say, "starting …")
	s, err := stack.Open(ctx, config)
	if ctx.Err() != nil {
		return nil // Ctrl-C while building
	}
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(config.Say, "ready after %.1f s\n\n%s\nTake a picture at %s — Ctrl-C stops everything, %s keeps it.\n",
		time.Since(started).Seconds(), s.Endpoints, s.Endpoints.Site, config.Dir)
	err = s.Wait(ctx)
	fmt.Fprintln(config.Say, "\nstopping …")
	return err
}
