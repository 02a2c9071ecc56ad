// Command cosmos runs only the Cosmos DB emulator:
//
//	go run ./emulators/cosmos [-addr HOST:PORT] [-dir DIR] [-key KEY]
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/privatedir"
	"triptych/internal/flags"
	"triptych/internal/loopback"
)

// The published key of Microsoft's emulator: https://learn.microsoft.com/azure/cosmos-db/emulator
const wellKnownKey = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "loopback `host:port` to listen on; port 0 selects a free port")
	dir := flag.String("dir", ".cosmos", "`directory` of the data; created if it is missing")
	key := flag.String("key", wellKnownKey, "master `key` in base64")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), `Serves the part of Azure Cosmos DB's REST protocol that Triptych uses. Data stays in -dir.

usage: cosmos [-addr HOST:PORT] [-dir DIR] [-key KEY]

`)
		flag.PrintDefaults()
	}
	flags.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *dir, *key); err != nil {
		slog.Error("the emulator of Cosmos DB stopped", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, dir, key string) error {
	if err := privatedir.Create(dir, "cosmos.db"); err != nil {
		return fmt.Errorf("creating the data directory: %w", err)
	}
	account, err := cosmosdb.Open(filepath.Join(dir, "cosmos.db"), key)
	if err != nil {
		return err
	}
	defer account.Close()
	ln, err := loopback.Listen(addr)
	if err != nil {
		return err
	}
	fmt.Printf("COSMOS_ENDPOINT=http://%s\nCOSMOS_KEY=%s\n", ln.Addr(), key)
	return loopback.Serve(ctx, ln, &http.Server{Handler: loopback.RefuseBrowsers(account)})
}
