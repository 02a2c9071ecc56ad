// Command accuracy measures how accurate the Cloud Vision emulator is: go run ./emulators/vision/accuracy
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"triptych/emulators/vision/annotator"
	"triptych/internal/flags"
)

const usage = `accuracy prints the precision and the recall of the Cloud Vision emulator. It fetches the photographs that
photographs.csv lists with go, npm, apt-get, dpkg-deb and tar, as these are configured, keeps them in a cache, and sends
them to the emulator with Google's client. A photograph that cannot be fetched is reported and makes the command fail.
Ctrl-C stops it; the cache makes the next run continue.

usage: go run ./emulators/vision/accuracy [flags]

`

//go:embed photographs.csv
var photographs []byte

func main() {
	cache := flag.String("cache", "", "`directory` for the photographs (default: triptych/photographs in the user's cache directory)")
	addr := flag.String("addr", "", "`host:port` of a running emulator (default: start one)")
	verbose := flag.Bool("v", false, "list the missed and false faces and objects of each photograph")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flags.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process immediately
	if err := run(ctx, *cache, *addr, *verbose); err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted; the next run continues with the photographs that were fetched")
		}
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cache, addr string, verbose bool) error {
	manifest, err := readManifest(bytes.NewReader(photographs))
	if err != nil {
		return err
	}
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("finding the user's cache directory (choose one with -cache): %w", err)
		}
		cache = filepath.Join(user, "triptych", "photographs")
	}
	if err := fetch(ctx, manifest, cache); err != nil {
		return err
	}
	if addr == "" {
		running, err := serve(ctx)
		if err != nil {
			return err
		}
		addr = running
	}
	results, err := annotate(ctx, addr, manifest, cache)
	if err != nil {
		return err
	}
	s := summarise(results)
	if s.missing == len(results) {
		return errors.New("no photograph could be fetched: check the network and the registries of go, npm and apt-get")
	}
	if verbose {
		fmt.Print(details(results))
	}
	fmt.Print(s.table())
	if s.missing > 0 {
		return errors.New("photographs are missing, so the table is incomplete")
	}
	return nil
}

func serve(ctx context.Context) (string, error) {
	server, err := annotator.New()
	if err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		if err := server.Serve(ctx, ln); err != nil {
			fmt.Fprintln(os.Stderr, "accuracy:", err)
		}
	}()
	return ln.Addr().String(), nil
}

func progress(format string, arguments ...any) { fmt.Fprintf(os.Stderr, format+"\n", arguments...) }
