// Command deploy builds what is deployed and takes it where Terraform does not: the worker's image to its registry, the
// page to its bucket. The same commit built by the same Go is the same bytes, wherever it lies. It needs neither Docker
// nor the aws CLI, and changes nothing but these two places.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// dist is where everything that was built lies, under the root of the repository.
const dist = "dist"

func main() {
	arch := flag.String("arch", "arm64", "`GOARCH` to build for")
	flag.Usage = usage
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *arch, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arch string, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "build":
		return buildAll(ctx, arch)
	case len(args) == 2 && args[0] == "push":
		digest, err := push(ctx, filepath.Join(dist, imageDir), args[1])
		if err == nil {
			fmt.Println(digest)
		}
		return err
	case len(args) == 3 && args[0] == "site":
		return publish(ctx, os.DirFS("web/site"), args[1], args[2])
	}
	usage()
	return errors.New("that is no command")
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `deploy is what make build and make deploy run, in the root of the repository:

  go run ./deploy build                     dist/trigger.zip, dist/web.zip and the worker's image in dist/worker
  go run ./deploy push REPOSITORY           pushes that image and prints its name by digest
  go run ./deploy site BUCKET DISTRIBUTION  copies web/site into the bucket and tells CloudFront

Flags:
`)
	flag.PrintDefaults()
}
