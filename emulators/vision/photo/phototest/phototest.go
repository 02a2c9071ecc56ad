// Package phototest writes image files that browsers display, but that break a rule of their format or use a rare part
// of it.
package phototest

import (
	"bytes"
	"image"
	"maps"
	"testing"
)

// Files returns files that show `picture`. The keys are test names.
func Files(t testing.TB, picture image.Image) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, format := range []func(testing.TB, image.Image) map[string][]byte{pngs, jpegs, gifs, bmps} {
		maps.Copy(files, format(t, picture))
	}
	return files
}

func encode(t testing.TB, encoder func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encoder(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
