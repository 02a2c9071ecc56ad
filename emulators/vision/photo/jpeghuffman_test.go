package photo

import (
	"bytes"
	"image/jpeg"
	"slices"
	"testing"
)

// withoutTables returns a file like the frames of Motion JPEG.
func withoutTables(file []byte) []byte {
	start := bytes.Index(file, []byte{0xff, markerDHT})
	size := 2 + int(file[start+2])<<8 + int(file[start+3])
	return slices.Delete(bytes.Clone(file), start, start+size)
}

func TestDecodeJPEGWithoutHuffmanTables(t *testing.T) {
	t.Run("frame_of_Motion_JPEG_is_decoded_with_the_standard_tables", func(t *testing.T) {
		picture := quarters()
		file := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }) // image/jpeg uses the standard tables
		p, err := Decode(withoutTables(file))
		if err != nil {
			t.Fatal(err)
		}
		checkQuarters(t, p, picture)
	})
	t.Run("progressive_file_is_bad", func(t *testing.T) {
		file := read(t, progressive[0])
		for bytes.Contains(file, []byte{0xff, markerDHT}) {
			file = withoutTables(file)
		}
		if _, err := Decode(file); err != ErrBad {
			t.Errorf("got %v", err)
		}
	})
}
