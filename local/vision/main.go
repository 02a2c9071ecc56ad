// Vision serves a local Cloud Vision by itself:
//
//	go run ./local/vision [-addr HOST:PORT]
//
// What it can and cannot do is told in package annotator.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"triptych/local/vision/annotator"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), `Serves Google's Cloud Vision protocol (gRPC, without TLS) on this machine, and really looks at the pictures.
Features: %s. Pictures are sent, or fetched from loopback addresses.

usage: vision [-addr HOST:PORT]

`, strings.Join(annotator.Features(), ", "))
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		slog.Error("Cloud Vision stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string) error {
	server, err := annotator.New()
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("VISION_EMULATOR_HOST=%s\n", ln.Addr())
	return server.Serve(ctx, ln)
}
