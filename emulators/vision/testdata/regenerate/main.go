// Command regenerate recreates the photographs of emulators/vision/testdata from the packages that ship them:
//
//	go run ./emulators/vision/testdata/regenerate emulators/vision/testdata
//
// It needs Go, apt-get and dpkg, and verifies the SHA-256 of each source file.
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
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// The source packages: three Debian packages and a Go module.
const (
	scikit  = "python3-skimage"
	darknet = "darknet"
	jxl     = "libjxl-testdata"
	gocv    = "gocv.io/x/gocv@v0.37.0"
)

var photographs = []struct{ from, path, sha256, name string }{
	{scikit, "usr/lib/python3/dist-packages/skimage/data/astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5", "astronaut"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", "cameraman"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", "coffee"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", "chelsea"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", "rocket"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/coins.png", "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba", "coins"},
	{scikit, "usr/lib/python3/dist-packages/skimage/data/text.png", "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1", "handwriting"},
	{darknet, "usr/share/darknet/data/dog.jpg", "5a9522051c3cec2bbd2f6323fccba32e8fbf3ddcc2b3e2fd46b04c720bc6f866", "bicycle"},
	{jxl, "usr/share/libjxl-testdata/external/wesaturate/500px/tmshre_riaphotographs_srgb8.png", "b490de2143a336aff26a7ce4ee010f18dece53c3b0802cda76c1796daa5f32a0", "tulips"},
	{jxl, "usr/share/libjxl-testdata/external/wesaturate/500px/u76c0g_bliznaca_srgb8.png", "9631423e430c1682fca3c2212adc6ae046df8839d22dfaa8b662761f34b6f711", "blossom"},
	{jxl, "usr/share/libjxl-testdata/external/wesaturate/500px/cvo9xd_keong_macan_grayscale.png", "51caaddb558a2e7ef48e532c98338e81874472669705bf6b4a84507d8d797eb3", "cliff"},
	{gocv, "images/face.jpg", "51f524c76aeb4e12f97476978e1f3b0d0276b9db0a159833d10ca242a19cbf50", "webcam"},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./emulators/vision/testdata/regenerate FOLDER")
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
	if err := fetch(dir); err != nil {
		return err
	}
	pictures := map[string]image.Image{}
	for _, p := range photographs {
		data, err := os.ReadFile(filepath.Join(dir, p.from, p.path))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.sha256 {
			return fmt.Errorf("%s has SHA-256 %x, want %s", p.path, sum, p.sha256)
		}
		if pictures[p.name], _, err = image.Decode(bytes.NewReader(data)); err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
	}
	derive(pictures)
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		data, err := encoded(pictures[name])
		if err != nil {
			return err
		}
		if name == "rotated" {
			data = lyingOnItsSide(data)
		}
		if err := os.WriteFile(filepath.Join(to, name+".jpg"), data, 0o644); err != nil {
			return err
		}
		log.Printf("%s.jpg: %v, %d bytes", name, pictures[name].Bounds().Size(), len(data))
	}
	return nil
}

// fetch downloads each package into a directory of its name.
func fetch(dir string) error {
	for _, debian := range []string{scikit, darknet, jxl} {
		if err := run(dir, "apt-get download "+debian+" && dpkg -x "+debian+"_*.deb "+debian); err != nil {
			return err
		}
	}
	return run(dir, `mkdir -p gocv.io/x && go mod init photographs && go mod download `+gocv+
		` && cp -r "$(go env GOMODCACHE)/`+gocv+`" `+gocv+` && chmod -R u+w gocv.io`)
}

func run(dir, command string) error {
	shell := exec.Command("sh", "-c", command)
	shell.Dir, shell.Stderr = dir, os.Stderr
	if err := shell.Run(); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// encoded re-encodes a picture as JPEG without metadata.
func encoded(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 85})
	return out.Bytes(), err
}
