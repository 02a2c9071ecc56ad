// Command s3 runs an S3 emulator with one versioned bucket:
//
//	go run ./emulators/s3 [flags]
//
// Objects and events survive kill -9, but may be lost in a power cut, because files are not synced to disk.
package main

import (
	"bufio"
	"cmp"
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

	"github.com/versity/versitygw/auth"
	"golang.org/x/sync/errgroup"

	"triptych/emulators/privatedir"
	"triptych/internal/flags"
	"triptych/internal/loopback"
)

const usage = `Serves one S3 bucket from a directory and sends its events to a Lambda.

The key pair and the region come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; the defaults are
local, local and us-east-1. GET /healthz responds with 200 as soon as the bucket exists.

usage: s3 [flags]

`

type settings struct {
	dir, addr, bucket, notify, prefix, control, users string
	origins                                           []string
	accessKey, secretKey, region                      string
}

func main() {
	stderr := os.Stderr
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	s, err := parse(os.Args[1:], os.Getenv, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		slog.Error("s3 cannot start", "error", err)
		os.Exit(2)
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
		accessKey: cmp.Or(env("AWS_ACCESS_KEY_ID"), "local"), secretKey: cmp.Or(env("AWS_SECRET_ACCESS_KEY"), "local"),
		region: cmp.Or(env("AWS_REGION"), "us-east-1"),
	}
	var origins string
	f := flag.NewFlagSet("s3", flag.ContinueOnError)
	f.StringVar(&s.addr, "addr", "127.0.0.1:9000", "loopback `host:port` to listen on")
	f.StringVar(&s.dir, "dir", ".s3", "`directory` of objects and undelivered events; created if it is missing")
	f.StringVar(&s.bucket, "bucket", "pictures", "`name` of the bucket; created if it is missing")
	f.StringVar(&origins, "origin", "http://127.0.0.1:8080,http://localhost:8080", "`origins` of the pages that may use the bucket, separated by commas")
	f.StringVar(&s.notify, "notify", "", "`URL` to POST events to: the function's URL in the Lambda Invoke API; empty means that no events are sent")
	f.StringVar(&s.prefix, "prefix", "pictures/", "only objects with this key `prefix` cause events; empty means all")
	f.StringVar(&s.users, "users", "", "JSON `file` with a list of users: [{\"accessKey\": …, \"secretKey\": …, \"policy\": an IAM policy}]; the key pair of the environment may do everything")
	f.StringVar(&s.control, "control", "", "loopback `host:port` of the fault endpoint, PUT /fault; empty means none")
	if err := flags.ParseSet(f, args, usage, help); err != nil {
		return s, err
	}
	s.origins = strings.FieldsFunc(origins, func(r rune) bool { return r == ',' })
	if u, err := url.Parse(s.notify); s.notify != "" && (err != nil || u.Host == "") {
		return s, fmt.Errorf("-notify %q is not a URL; see -h", s.notify)
	}
	return s, nil
}

func run(ctx context.Context, s settings) error {
	if _, err := loopback.Resolve(s.addr); err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if err := captureOutput(); err != nil {
		return err
	}
	dir, err := filepath.Abs(s.dir) // openStore changes the working directory
	if err != nil {
		return fmt.Errorf("finding the data directory: %w", err)
	}
	if err := privatedir.Create(dir, "outbox"); err != nil {
		return fmt.Errorf("creating the data directory: %w", err)
	}
	syscall.Umask(0o077) // versitygw would let other users read attributes
	store, err := openStore(dir)
	if err != nil {
		return err
	}
	if err := store.prepare(ctx, s.bucket, s.accessKey, s.origins); err != nil {
		return err
	}
	box, err := openOutbox(filepath.Join(dir, "outbox"), s.notify)
	if err != nil {
		return err
	}
	users, err := openUsers(s.users, auth.Account{Access: s.accessKey, Secret: s.secretKey, Role: auth.RoleAdmin})
	if err != nil {
		return err
	}
	if err := box.releaseEvents(func(string) bool { return false }); err != nil { // the faults of an earlier process have ended
		return err
	}
	faults := &injector{}
	events := &announcer{Backend: store, outbox: box, faults: faults, prefix: s.prefix, region: s.region}
	if err := events.recover(ctx, store.removeStaleAttributes); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if s.control != "" {
		l, err := loopback.Listen(s.control) // before S3 is ready, so that a client that waited for S3 can inject faults
		if err != nil {
			return fmt.Errorf("listening on %s for faults: %w", s.control, err)
		}
		g.Go(func() error { return faults.serve(ctx, l, box) })
	}
	g.Go(func() error {
		return serve(ctx, &privateBackend{&faultyBackend{Backend: events, faults: faults}, users}, s, users)
	})
	if s.notify != "" {
		g.Go(func() error {
			box.deliver(ctx)
			return nil
		})
	}
	return g.Wait()
}

// captureOutput logs what the embedded server, versitygw, prints to stderr, and discards what it prints to stdout.
func captureOutput() error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("opening the null device: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("creating a pipe for the server's messages: %w", err)
	}
	os.Stdout, os.Stderr = null, w
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			slog.Warn("message from the embedded S3 server", "message", lines.Text())
		}
	}()
	return nil
}
