// Command codec is Temporal's remote codec (https://docs.temporal.io/remote-data-encoding) for the CLI and Web UI.
// The codec answers only programs on this machine and the Web UI.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/converter"

	"triptych/internal/flags"
	"triptych/internal/loopback"
	"triptych/internal/pipeline"
	"triptych/internal/settings"
	"triptych/internal/telemetry"
)

func main() {
	slog.SetDefault(telemetry.NewLogger(os.Stderr, os.Getenv))
	addr := flag.String("addr", "127.0.0.1:8234", "`host:port` to listen on; the host must be a loopback address")
	ui := flag.String("ui", "https://cloud.temporal.io", "`origins` of the Web UI that may use the codec, separated by commas")
	flag.Usage = usage
	flags.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *ui); err != nil {
		slog.Error("codec stopped", "error", err)
		os.Exit(1)
	}
}

const requestTimeout = 10 * time.Second

func run(ctx context.Context, addr, ui string) error {
	origins, err := parseOrigins(ui)
	if err != nil {
		return err
	}
	s, err := settings.Load(ctx)
	if err != nil {
		return err
	}
	codec, err := pipeline.ParseKeys(s.Getenv("TRIPTYCH_PAYLOAD_KEYS"))
	if err != nil {
		return err
	}
	listener, err := loopback.Listen(addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	defer listener.Close()
	slog.Info("codec is ready", "endpoint", "http://"+listener.Addr().String(), "ui", origins)
	return loopback.Serve(ctx, listener, &http.Server{
		Handler:     guard(origins, converter.NewPayloadCodecHTTPHandler(codec)),
		ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
	})
}

// parseOrigins refuses what no browser sends as an Origin header.
func parseOrigins(list string) ([]string, error) {
	var origins []string
	if list == "" { // for the CLI only
		return nil, nil
	}
	for origin := range strings.SplitSeq(list, ",") {
		origin = strings.ToLower(strings.TrimSpace(origin))
		if !settings.IsOrigin(origin) || hasDefaultPort(origin) {
			return nil, fmt.Errorf("-ui %s: want origins such as https://temporal.example.com", list)
		}
		origins = append(origins, origin)
	}
	return origins, nil
}

// A browser omits the default port.
func hasDefaultPort(origin string) bool {
	return strings.HasPrefix(origin, "https://") && strings.HasSuffix(origin, ":443") || strings.HasPrefix(origin, "http://") && strings.HasSuffix(origin, ":80")
}

func guard(ui []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := loopback.Refuse(r, ui...); reason != "" {
			http.Error(w, reason+"; its Web UI is at "+strings.Join(ui, " or "), http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		w.Header().Set("Vary", "Origin")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace")
		w.Header().Set("Access-Control-Allow-Private-Network", "true") // a page of Temporal Cloud may call loopback
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

//go:embed usage.txt
var usageText string

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), usageText)
	flag.PrintDefaults()
}
