package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"image"
	"image/draw"
	"image/jpeg"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	xdraw "golang.org/x/image/draw"

	"triptych/emulators/vision/photo"
)

var regenerate = flag.Bool("regenerate", false, "recreate testdata from the source packages; needs apt-get and dpkg")

const (
	scikit  = "python3-skimage"        // Debian package
	darknet = "darknet"                // Debian package
	jxl     = "libjxl-testdata"        // Debian package
	gocv    = "gocv.io/x/gocv@v0.37.0" // Go module
)

var originals = []struct{ from, path, sha256, name string }{
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

var derived = map[string]func(originals map[string]image.Image) image.Image{
	"people": func(from map[string]image.Image) image.Image {
		return composed(
			part{from["astronaut"], image.Rect(60, 0, 364, 512), image.Rect(0, 0, 427, 720)},
			part{from["webcam"], image.Rect(212, 0, 497, 480), image.Rect(427, 0, 854, 720)},
			part{from["cameraman"], image.Rect(0, 0, 304, 512), image.Rect(854, 0, 1280, 720)},
		)
	},
	"desk": func(from map[string]image.Image) image.Image {
		return composed(
			part{from["webcam"], image.Rect(0, 60, 640, 420), image.Rect(0, 0, 1280, 720)},
			part{from["coffee"], image.Rect(110, 0, 500, 300), image.Rect(0, 360, 468, 720)},
		)
	},
	"dark":    func(from map[string]image.Image) image.Image { return darkened(from["astronaut"]) },
	"rotated": func(from map[string]image.Image) image.Image { return anticlockwise(from["astronaut"]) },
}

func TestPhotographs(t *testing.T) {
	if *regenerate {
		recreate(t)
	}
	want := []string{"README.md"}
	for _, p := range originals {
		want = append(want, p.name+".jpg")
	}
	for name := range derived {
		want = append(want, name+".jpg")
	}
	slices.Sort(want)
	readme := string(read(t, "testdata/README.md"))
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("testdata_has_every_photograph_and_no_other_file", func(t *testing.T) {
		var got []string
		for _, f := range files {
			got = append(got, f.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	for _, name := range want {
		if name == "README.md" {
			continue
		}
		t.Run(name+"_decodes_and_has_a_source_and_a_licence", func(t *testing.T) {
			if _, err := photo.Decode(read(t, "testdata/"+name)); err != nil {
				t.Error(err)
			}
			if !strings.Contains(readme, "\n| "+name+" |") {
				t.Error("testdata/README.md does not list it")
			}
		})
	}
}

func recreate(t *testing.T) {
	dir := t.TempDir()
	fetch(t, dir)
	pictures := map[string]image.Image{}
	for _, p := range originals {
		data := read(t, filepath.Join(dir, p.from, p.path))
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != p.sha256 {
			t.Fatalf("%s has SHA-256 %x, want %s", p.path, sum, p.sha256)
		}
		picture, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", p.path, err)
		}
		pictures[p.name] = picture
	}
	for name, derive := range derived {
		pictures[name] = derive(pictures)
	}
	for name, picture := range pictures {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 85}); err != nil {
			t.Fatal(err)
		}
		data := out.Bytes()
		if name == "rotated" {
			data = withExifOrientation6(data)
		}
		if err := os.WriteFile("testdata/"+name+".jpg", data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func fetch(t *testing.T, dir string) {
	commands := []string{`mkdir -p gocv.io/x && go mod init photographs && go mod download ` + gocv +
		` && cp -r "$(go env GOMODCACHE)/` + gocv + `" ` + gocv + ` && chmod -R u+w gocv.io`}
	for _, debian := range []string{scikit, darknet, jxl} {
		commands = append(commands, "apt-get download "+debian+" && dpkg -x "+debian+"_*.deb "+debian)
	}
	for _, command := range commands {
		shell := exec.Command("sh", "-c", command)
		shell.Dir = dir
		if output, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, output)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type part struct {
	of  image.Image
	cut image.Rectangle // of the source picture
	put image.Rectangle // in the composed picture
}

func composed(parts ...part) image.Image {
	whole := image.NewRGBA(image.Rect(0, 0, 1280, 720)) // the size of a webcam picture
	for _, p := range parts {
		xdraw.CatmullRom.Scale(whole, p.put, p.of, p.cut, draw.Src, nil)
	}
	return whole
}

func darkened(from image.Image) image.Image {
	to := image.NewRGBA(from.Bounds())
	draw.Draw(to, to.Rect, from, to.Rect.Min, draw.Src)
	for i := range to.Pix {
		if i%4 < 3 { // not the opacity
			to.Pix[i] /= 8
		}
	}
	return to
}

// The picture must be square.
func anticlockwise(from image.Image) image.Image {
	side := from.Bounds().Dx()
	to := image.NewRGBA(from.Bounds())
	for y := range side {
		for x := range side {
			to.Set(y, side-1-x, from.At(x, y))
		}
	}
	return to
}

// Viewers rotate orientation 6 clockwise.
func withExifOrientation6(data []byte) []byte {
	const exif = "\xff\xe1\x00\x22Exif\x00\x00" + "MM\x00\x2a\x00\x00\x00\x08" + "\x00\x01" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + "\x00\x00\x00\x00"
	const start = 2 // bytes: FF D8
	return slices.Concat(data[:start], []byte(exif), data[start:])
}
