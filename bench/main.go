// Command bench measures the overhead of the pipeline: go run ./bench
//
// The emulated clouds respond immediately or after a fixed delay, so the results measure the pipeline and not the clouds.
// The variants of the pipeline take turns, so that other load on the machine affects all of them alike.
package main

import (
	"cmp"
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

	"triptych/internal/flags"
)

const help = `Bench measures the overhead of the pipeline around its three cloud calls, in these variants:

  direct     one function makes the three calls in sequence; nothing is durable
  plain      a workflow of three ordinary activities
  triptych   the product as shipped
  plain-stock, triptych-stock
             the same on the Temporal CLI's dev server instead of temporalite; only with -only or -full
  triptych-postgres
             the same on Temporal's production server, with PostgreSQL (apt-get install postgresql); only with -only
  traced     only with -only: the CPU time of triptych that exports traces and metrics; the ratio is to triptych without
             export, under the same load at the same time

All variants use the same emulators of S3, Cloud Vision and Cosmos DB. Vision returns a stored annotation, so that only
the pipeline is measured. The shipped trigger starts the workflows, and the variants of one Temporal server share its process.

usage: go run ./bench [flags]      progress goes to stderr, the table to stdout; Ctrl-C prints the results so far

`

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the process
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "print one JSON line per row instead of the table")
	full := f.Bool("full", false, "measure as for the README: more rounds, up to 1,000 pictures in flight, a backlog of 10,000, also the stock server")
	backlog := f.Int("backlog", 0, "`pictures` that wait when the worker starts; default: 300, with -full 10,000")
	rounds := f.Int("rounds", 0, "number of rounds; default: 2, with -full 3")
	interval := f.Duration("interval", 0, "`time` for which each rate is measured; default: 2s, with -full 4s")
	only := f.String("only", "", "measure only these `variants`, such as plain,triptych")
	dir := f.String("data", "", "work in this `directory` and keep it; default: a temporary directory")
	if err := flags.ParseSet(f, args, help, progress); err != nil {
		return err
	}
	if *backlog < 0 || *rounds < 0 || *interval < 0 {
		return errors.New("-backlog, -rounds and -interval must not be negative")
	}
	plan := quickPlan
	if *full {
		plan = fullPlan
	}
	plan.rounds = cmp.Or(*rounds, plan.rounds)
	plan.backlogSize = cmp.Or(*backlog, plan.backlogSize)
	plan.interval = cmp.Or(*interval, plan.interval)
	if *only != "" {
		plan.variants = strings.Split(*only, ",")
	}
	for _, name := range plan.variants {
		if known := append(allVariants, traced); !slices.Contains(known, name) {
			return fmt.Errorf("unknown variant %q in -only; known variants are %s", name, strings.Join(known, ", "))
		}
	}
	started := time.Now()
	m, err := measureIn(ctx, *dir, plan, progress)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if m == nil {
		return nil // Ctrl-C before the first measurement
	}
	fmt.Fprintf(progress, "measured in %s\n\n", time.Since(started).Round(time.Second))
	table := m.table(plan)
	if *asJSON {
		return table.writeJSON(out)
	}
	if err := table.write(out); err != nil {
		return err
	}
	return m.writeTimeline(out)
}

func measureIn(ctx context.Context, dir string, plan plan, progress io.Writer) (measurements, error) {
	if dir == "" {
		temporary, err := os.MkdirTemp("", "triptych-bench-")
		if err != nil {
			return nil, fmt.Errorf("creating a working directory: %w", err)
		}
		defer os.RemoveAll(temporary)
		dir = temporary
	}
	r, err := openRig(ctx, dir, plan.variants, progress)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.warmUp(ctx); err != nil {
		return nil, err
	}
	return r.measure(ctx, plan)
}
