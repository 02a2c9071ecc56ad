// Command s3 is S3 on one machine: an S3 server over plain files, with one versioned bucket that tells a
// Lambda of every object created in it, the way AWS does, and loses neither objects nor events when it is
// killed. It is a child of local/stack, because the server it embeds changes the working directory of its
// process. It does not survive a power cut (files are not synced to disk), knows no user but the one in
// its environment and must never be reachable from another machine.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

const usage = `s3 serves one S3 bucket from a directory and sends its events to a Lambda.

The key pair and the region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.
GET /healthz answers 200 once the bucket is there.

usage: s3 -dir DIR -addr 127.0.0.1:PORT -bucket NAME -origin URL[,URL] -notify URL

`

type settings struct {
	dir, addr, bucket, notify, prefix, control string
	origins                                    []string
	accessKey, secretKey, region               string
}

func main() {
	stderr := os.Stderr
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	s, err := parse(os.Args[1:], os.Getenv, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		slog.Error("s3 cannot start: see -h", "error", err)
		os.Exit(2)
	}
	if err := captureOutput(); err != nil {
		slog.Error("s3 cannot start", "error", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		slog.Error("s3 stopped", "error", err)
		os.Exit(1)
	}
}

func parse(args []string, env func(string) string, help io.Writer) (settings, error) {
	s := settings{
		accessKey: env("AWS_ACCESS_KEY_ID"), secretKey: env("AWS_SECRET_ACCESS_KEY"), region: env("AWS_REGION"),
	}
	var origins string
	f := flag.NewFlagSet("s3", flag.ContinueOnError)
	f.SetOutput(help)
	f.Usage = func() {
		fmt.Fprint(help, usage)
		f.PrintDefaults()
	}
	f.StringVar(&s.dir, "dir", "", "directory of objects and undelivered events; made if absent")
	f.StringVar(&s.addr, "addr", "", "host:port to serve S3 on")
	f.StringVar(&s.bucket, "bucket", "", "name of the bucket; made if absent")
	f.StringVar(&origins, "origin", "", "origins of the pages that may use the bucket, with commas between")
	f.StringVar(&s.notify, "notify", "", "where to POST events: the Lambda Invoke API's URL of the function")
	f.StringVar(&s.prefix, "prefix", "pictures/", "only keys that start so make events; empty for all")
	f.StringVar(&s.control, "control", "", "host:port on which PUT /fault makes S3 fail; absent for never")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	s.origins = strings.FieldsFunc(origins, func(r rune) bool { return r == ',' })
	for _, need := range []struct{ name, value string }{
		{"-dir", s.dir}, {"-addr", s.addr}, {"-bucket", s.bucket}, {"-origin", origins}, {"-notify", s.notify},
		{"AWS_ACCESS_KEY_ID", s.accessKey}, {"AWS_SECRET_ACCESS_KEY", s.secretKey}, {"AWS_REGION", s.region},
	} {
		if need.value == "" {
			return s, fmt.Errorf("%s is not set", need.name)
		}
	}
	if u, err := url.Parse(s.notify); err != nil || u.Host == "" {
		return s, fmt.Errorf("-notify %q is not a URL", s.notify)
	}
	return s, nil
}

// run serves until ctx ends. A PUT that is in progress then still finishes; its event, if it was not
// accepted in time, is sent after the next start.
func run(ctx context.Context, s settings) error {
	store, err := openStore(s.dir)
	if err != nil {
		return err
	}
	if err := store.prepare(ctx, s.bucket, s.accessKey, s.origins); err != nil {
		return err
	}
	box, err := openOutbox(filepath.Join(s.dir, "outbox"))
	if err != nil {
		return err
	}
	faults := &faults{}
	events := &announcer{Backend: store, outbox: box, faults: faults, prefix: s.prefix, region: s.region}
	if err := events.recover(ctx, store.forget); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, &faulty{Backend: events, faults: faults}, s) })
	g.Go(func() error {
		deliver(ctx, box, s.notify)
		return nil
	})
	if s.control != "" {
		g.Go(func() error { return faults.serve(ctx, s.control) })
	}
	return g.Wait()
}

// captureOutput makes log lines of what the embedded server prints, and drops its banners.
func captureOutput() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("open the null device: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for the server's messages: %w", err)
	}
	os.Stdout, os.Stderr = null, w
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			slog.Warn("the S3 server says", "message", lines.Text())
		}
	}()
	return nil
}
