// Vision serves a local Cloud Vision by itself:
//
//	go run ./emulators/vision [-addr HOST:PORT] [-fetch HOST,HOST]
//
// What it sees and does not see is told in README.md.
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

	"triptych/emulators/vision/annotator"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	fetch := flag.String("fetch", "", "`hosts` to fetch pictures from, whoever asks, besides loopback addresses; separated by commas")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), `Serves Google's Cloud Vision protocol (gRPC, without TLS) on this machine, and really looks at the pictures.
Features: %s. Pictures are sent, or fetched from loopback addresses; for callers
from other machines, which -addr may let in, only from the hosts of -fetch.

usage: vision [-addr HOST:PORT] [-fetch HOST,HOST]

`, strings.Join(annotator.Features(), ", "))
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *fetch); err != nil {
		slog.Error("Cloud Vision stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, fetch string) error {
	var hosts []string
	if fetch != "" {
		hosts = strings.Split(fetch, ",")
	}
	server, err := annotator.New(hosts...)
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
