// Regenerate makes the photographs of local/vision/testdata again, from Debian's python3-skimage:
//
//	go run ./local/vision/testdata/regenerate local/vision/testdata
//
// It needs apt-get and dpkg, and takes a picture only if its SHA-256 is the known one.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

const folder = "usr/lib/python3/dist-packages/skimage/data"

var photographs = []struct{ source, sha256, name string }{
	{"astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", "astronaut.jpg"},
	{"coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", "coffee.jpg"},
	{"chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", "chelsea.jpg"},
	{"rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", "rocket.jpg"},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./local/vision/testdata/regenerate FOLDER")
	}
	if err := regenerate(os.Args[1]); err != nil {
		log.Fatal("regenerating the photographs: ", err)
	}
}

func regenerate(to string) error {
	dir, err := os.MkdirTemp("", "photographs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, command := range []string{"apt-get download python3-skimage", "dpkg -x python3-skimage_*.deb ."} {
		shell := exec.Command("sh", "-c", command)
		shell.Dir, shell.Stderr = dir, os.Stderr
		if err := shell.Run(); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	for _, p := range photographs {
		data, err := os.ReadFile(filepath.Join(dir, folder, p.source))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.sha256 {
			return fmt.Errorf("%s has SHA-256 %x, want %s", p.source, sum, p.sha256)
		}
		small, err := reencode(data)
		if err != nil {
			return fmt.Errorf("%s: %w", p.source, err)
		}
		if err := os.WriteFile(filepath.Join(to, p.name), small, 0o644); err != nil {
			return err
		}
		log.Printf("%s: %d bytes", p.name, len(small))
	}
	return nil
}

// reencode keeps the pixels' number and loses bytes and every tag.
func reencode(data []byte) ([]byte, error) {
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, picture, &jpeg.Options{Quality: 85})
	return out.Bytes(), err
}
