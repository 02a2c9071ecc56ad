package photo

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// bmpWithTwoColours returns a file with 256 rows of 2 pixels, red and the colour `second`. The palette has 2 colours.
func bmpWithTwoColours(compression, coloursUsed uint32, second byte) []byte {
	const headers, rows, palette = 54, 256, "\x00\x00\xc8\x00" + "\x00\xc8\x00\x00"
	row := []byte{0, second, 0, 0}
	if compression == 1 {
		row = []byte{1, 0, 1, second, 0, 0} // runs of one pixel and the end of the row
	}
	out := []byte("BM")
	for _, field := range []uint32{0, 0, headers + uint32(len(palette)), 40, 2, rows, 8<<16 | 1, compression, 0, 0, 0, coloursUsed, 0} {
		out = binary.LittleEndian.AppendUint32(out, field)
	}
	return slices.Concat(out, []byte(palette), bytes.Repeat(row, rows))
}

// Chromium 156 displays these files in the same way.
func TestDecodeBMPThatBreaksARule(t *testing.T) {
	alphaMasks := []byte("BM")
	for _, field := range []uint32{0, 0, 70, 40, 2, 1, 32<<16 | 1, 6, 0, 0, 0, 0, 0, 0xff, 0xff00, 0xff0000, 0xff000000, 0xff0000c8, 0xff00c800} {
		alphaMasks = binary.LittleEndian.AppendUint32(alphaMasks, field)
	}
	for name, tt := range map[string]struct {
		data []byte
		want [2]string
	}{
		"palette_that_ends_at_the_pixels_is_read":       {bmpWithTwoColours(0, 0, 1), [2]string{red, green}},
		"number_of_colours_above_256_is_ignored":        {bmpWithTwoColours(0, 100_000, 1), [2]string{red, green}},
		"largest_number_of_colours_is_ignored":          {bmpWithTwoColours(0, 1<<32-1, 1), [2]string{red, green}},
		"pixel_outside_the_palette_is_black":            {bmpWithTwoColours(0, 2, 77), [2]string{red, black}},
		"compressed_pixel_outside_the_palette_is_black": {bmpWithTwoColours(1, 2, 77), [2]string{red, black}},
		"bit_fields_with_alpha_are_read":                {alphaMasks, [2]string{red, green}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := hexColours(p)[:2]; !slices.Equal(got, tt.want[:]) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	for name, offset := range map[string]uint32{"before_the_palette": 53, "after_the_end": 1 << 20, "far_after_the_end": 1<<32 - 1} {
		t.Run("pixels_"+name+"_are_bad", func(t *testing.T) {
			data := bmpWithTwoColours(0, 0, 1)
			binary.LittleEndian.PutUint32(data[10:], offset)
			if _, err := Decode(data); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
}
