// Command vision runs only the Cloud Vision emulator: go run ./emulators/vision
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"triptych/emulators/vision/annotator"
	"triptych/internal/flags"
	"triptych/internal/loopback"
)

const usage = `vision emulates Google Cloud Vision (gRPC and REST, without TLS) on loopback, with real detection on the CPU.
Features: %s
Pictures are sent as bytes or fetched by URL from loopback addresses. Ctrl-C stops it.

usage: go run ./emulators/vision [flags]

`

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "loopback `host:port` to listen on; port 0 selects a free port")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), usage, strings.Join(annotator.Features(), ", "))
		flag.PrintDefaults()
	}
	flags.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process immediately
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "vision:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string) error {
	server, err := annotator.New()
	if err != nil {
		return err
	}
	ln, err := loopback.Listen(addr)
	if err != nil {
		return err
	}
	fmt.Printf("VISION_EMULATOR_HOST=%s\n", ln.Addr())
	return server.Serve(ctx, ln)
}
