// Command local (go run ./local) runs the whole pipeline on this machine, with emulators of the clouds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"triptych/internal/flags"
	"triptych/local/stack"
)

const usage = `local runs the whole pipeline on this machine, on loopback only: the site, the trigger, the worker, a Temporal
server, and emulators of S3, Lambda, Cloud Vision and Cosmos DB.

usage: go run ./local [flags]

`

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	config, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C kills the program
	if err := run(ctx, config); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func parse(args []string, help io.Writer) (stack.Config, error) {
	config := stack.Config{Output: os.Stdout}
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.StringVar(&config.Dir, "data", ".triptych", "data `directory`; delete it to start with an empty one")
	f.StringVar(&config.Addr, "addr", "127.0.0.1:8080", "`host:port` of the site")
	f.Func("temporal", "`host:port` of a running Temporal server to use, instead of starting one", func(addr string) error {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return errors.New("want host:port, such as 127.0.0.1:7233")
		}
		config.Temporal = addr
		return nil
	})
	f.BoolVar(&config.OTLP, "otlp", false, "trace each picture, and show the traces on a page")
	f.Func("real", "`clouds` to use instead of their emulators, with their default credentials: aws,google,azure", func(list string) error {
		config.Real = strings.Split(list, ",")
		for _, cloud := range config.Real {
			if !slices.Contains([]string{"aws", "google", "azure"}, cloud) {
				return fmt.Errorf("unknown cloud %q: want aws, google or azure", cloud)
			}
		}
		return nil
	})
	return config, flags.ParseSet(f, args, usage, help)
}

func run(ctx context.Context, config stack.Config) error {
	started := time.Now()
	fmt.Fprintln(config.Output, "starting …")
	s, err := stack.Open(ctx, config)
	if ctx.Err() != nil {
		return nil // Ctrl-C during the start
	}
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintf(config.Output, "ready after %.1f s\n\n%s\nTake a picture at %s — Ctrl-C stops everything, %s keeps it.\n",
		time.Since(started).Seconds(), s.Endpoints, s.Endpoints.Site, config.Dir)
	err = s.Wait(ctx)
	fmt.Fprintln(config.Output, "\nstopping …")
	return err
}
