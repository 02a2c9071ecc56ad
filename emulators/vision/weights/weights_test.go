package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestEmbeddedWeights(t *testing.T) {
	text, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	names, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(name+"_has_the_pinned_checksum", func(t *testing.T) {
			data, err := files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sums[name] {
				t.Errorf("SHA-256 is %x, SHA256SUMS has %s", sum, sums[name])
			}
		})
	}
	if len(names) != 8 {
		t.Errorf("%d files are embedded, want the manifest and data of 4 networks: %v", len(names), names)
	}
}

func TestModel(t *testing.T) {
	for _, name := range []string{FaceDetector, FaceLandmarks, FaceExpression, ObjectDetector} {
		t.Run(name+"_is_complete", func(t *testing.T) {
			if _, err := Model(name); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("error_names_the_unknown_network", func(t *testing.T) {
		if _, err := Model("telepathy"); err == nil || !strings.Contains(err.Error(), `"telepathy"`) {
			t.Errorf("got %v", err)
		}
	})
}

func BenchmarkModel(b *testing.B) {
	for b.Loop() {
		if _, err := Model(FaceExpression); err != nil {
			b.Fatal(err)
		}
	}
}
