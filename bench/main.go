// Command bench measures the pipeline: go run ./bench
//
// One run starts the local parts on a directory of its own, with clouds that answer at once or after a set time, and
// takes four ways across them in interleaved rounds, so that what else the machine does falls on all of them alike.
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
)

const help = `bench measures what the pipeline costs over its three calls to the clouds:

  direct     one function makes the three calls, one after the other; nothing is durable
  default    a workflow of three ordinary activities, on the Temporal dev server's own settings
  plain      the same, on the dev server as local tunes it
  triptych   the product as shipped, on that same server

All four meet the same local S3, Cloud Vision and Cosmos DB. Vision gives everyone the same answer without looking,
after a set time, so that only the pipeline is measured. The shipped trigger starts the pictures of the last three.

usage: go run ./bench [flags]      progress goes to stderr, the table to stdout; Ctrl-C shows what there is

`

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, say io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(say)
	flags.Usage = func() {
		fmt.Fprint(say, help)
		flags.PrintDefaults()
	}
	asJSON := flags.Bool("json", false, "print one JSON line per row instead of the table")
	full := flags.Bool("full", false, "measure as for the README: more rounds, up to 1,000 pictures in flight, 10,000 waiting")
	only := flags.String("only", "", "measure these `variants`, such as plain,triptych")
	dir := flags.String("data", "", "`directory` to work in and leave behind; default: a temporary one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("no arguments are taken but flags, not %q; see -h", flags.Arg(0))
	}
	plan := quick
	if *full {
		plan = thorough
	}
	if *only != "" {
		plan.only = strings.Split(*only, ",")
	}
	for _, name := range plan.only {
		if !slices.Contains(variants, name) {
			return fmt.Errorf("-only does not know %q; there are %s", name, strings.Join(variants, ", "))
		}
	}
	started := time.Now()
	m, err := measureIn(ctx, *dir, plan, say)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if m == nil {
		return nil // Ctrl-C before anything was measured
	}
	table := m.table(plan)
	fmt.Fprintf(say, "measured in %s\n\n", time.Since(started).Round(time.Second))
	if *asJSON {
		return table.writeJSON(out)
	}
	if err := table.write(out); err != nil {
		return err
	}
	return m.writeTimeline(out)
}

// measureIn works in dir, or in a temporary directory if that is "". What was measured before ctx ended is returned
// with the error.
func measureIn(ctx context.Context, dir string, plan plan, say io.Writer) (measurements, error) {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "triptych-bench-")
		if err != nil {
			return nil, fmt.Errorf("making a directory to work in: %w", err)
		}
		defer os.RemoveAll(temporary)
		dir = temporary
	}
	r, err := openRig(ctx, dir, plan.only, say)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.warmUp(ctx); err != nil {
		return nil, err
	}
	return r.measure(ctx, plan)
}
