// Command deploy builds the artifacts and uploads the two that Terraform does not upload: the worker's image and the
// web page. Two builds of the same commit with the same Go version have the same bytes.
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

const dist = "dist" // relative to the root of the repository

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
	case len(args) == 1 && args[0] == "licences":
		return report(ctx, os.Stdout, arch)
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
	return errors.New("unknown command or wrong number of arguments")
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `Deploy builds and uploads the artifacts. Make build and make deploy run it. Run it in the root of the repository:

  go run ./deploy build                     builds dist/trigger.zip, dist/web.zip and the worker's image in dist/worker
  go run ./deploy licences                  lists the licence of each module in the artifacts
  go run ./deploy push REPOSITORY           pushes the image and prints its name with its digest
  go run ./deploy site BUCKET DISTRIBUTION  minifies web/site into the bucket and invalidates CloudFront's cache

Flags:
`)
	flag.PrintDefaults()
}
