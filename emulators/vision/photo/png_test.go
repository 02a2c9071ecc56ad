package photo

import (
	"bytes"
	"slices"
	"testing"

	"triptych/emulators/vision/photo/phototest"
)

// pngColours returns a palette of red, green and, for the rest, blue.
func pngColours(n int) []byte {
	return append([]byte{200, 0, 0, 0, 200, 0}, bytes.Repeat([]byte{0, 0, 200}, n)...)[:3*n]
}

// libpng 1.6.39 decodes these files in the same way, most of them with a warning.
func TestDecodePNGWithChunksThatBreakARule(t *testing.T) {
	const grey, rgb, indexed, greyAlpha, rgbAlpha = 0, 2, 3, 4, 6
	const dark, light = "646464", "c8c8c8"
	file := func(depth, colourType byte, pixels []byte, chunks ...[]byte) []byte {
		return phototest.PNG(t, 2, depth, colourType, pixels, chunks...)
	}
	palette := func(n int) []byte { return phototest.Chunk("PLTE", pngColours(n)) }
	tRNS := func(body ...byte) []byte { return phototest.Chunk("tRNS", body) }
	damaged := func(chunk []byte) []byte {
		chunk[len(chunk)-1]++ // in the checksum
		return chunk
	}
	beforeEnd := func(file, chunk []byte) []byte { return slices.Insert(file, len(file)-12, chunk...) }
	pixelsRGB, pixelsRGBA := []byte{200, 0, 0, 0, 200, 0}, []byte{200, 0, 0, 255, 0, 200, 0, 255}
	pixelsGrey, pixelsGreyAlpha := []byte{100, 200}, []byte{100, 255, 200, 255}
	for name, tt := range map[string]struct {
		data []byte
		want [2]string
	}{
		"surplus_colours_for_1_bit_are_ignored":            {file(1, indexed, []byte{0x40}, palette(256)), [2]string{red, green}},
		"surplus_colours_for_2_bits_are_ignored":           {file(2, indexed, []byte{0x10}, palette(256)), [2]string{red, green}},
		"surplus_colours_for_4_bits_are_ignored":           {file(4, indexed, []byte{0x01}, palette(256)), [2]string{red, green}},
		"surplus_colours_leave_transparency":               {file(1, indexed, []byte{0x40}, palette(256), tRNS(0)), [2]string{white, green}},
		"more_transparency_than_1_bit_is_ignored":          {file(1, indexed, []byte{0x40}, palette(256), tRNS(0, 0, 0)), [2]string{red, green}},
		"more_transparency_than_colours_is_ignored":        {file(8, indexed, []byte{0, 1}, palette(2), tRNS(0, 0, 0)), [2]string{red, green}},
		"transparency_before_the_palette_is_ignored":       {file(8, indexed, []byte{0, 1}, tRNS(0), palette(2)), [2]string{red, green}},
		"empty_transparency_before_the_palette_is_ignored": {file(8, indexed, []byte{0, 1}, tRNS(), palette(2)), [2]string{red, green}},
		"second_transparency_is_ignored":                   {file(8, indexed, []byte{0, 1}, palette(2), tRNS(0), tRNS(255, 0)), [2]string{white, green}},
		"transparency_after_an_ignored_one_is_used":        {file(8, indexed, []byte{0, 1}, palette(2), tRNS(0, 0, 0), tRNS(255, 0)), [2]string{red, white}},
		"transparency_after_the_pixels_is_ignored":         {beforeEnd(file(8, grey, pixelsGrey), tRNS(0, 100)), [2]string{dark, light}},
		"transparency_of_RGB_with_alpha_is_ignored":        {file(8, rgbAlpha, pixelsRGBA, tRNS(0, 200, 0, 0, 0, 0)), [2]string{red, green}},
		"transparency_of_grey_with_alpha_is_ignored":       {file(8, greyAlpha, pixelsGreyAlpha, tRNS(0, 100)), [2]string{dark, light}},
		"transparency_of_grey_in_6_bytes_is_ignored":       {file(8, grey, pixelsGrey, tRNS(0, 100, 0, 0, 0, 0)), [2]string{dark, light}},
		"transparency_of_RGB_in_2_bytes_is_ignored":        {file(8, rgb, pixelsRGB, tRNS(0, 200)), [2]string{red, green}},
		"transparency_of_RGB_is_applied":                   {file(8, rgb, pixelsRGB, palette(2), tRNS(0, 200, 0, 0, 0, 0)), [2]string{white, green}},
		"palette_of_grey_is_ignored":                       {file(8, grey, pixelsGrey, palette(2)), [2]string{dark, light}},
		"palette_of_grey_leaves_transparency":              {file(8, grey, pixelsGrey, palette(2), tRNS(0, 100)), [2]string{white, light}},
		"palette_of_grey_with_alpha_is_ignored":            {file(8, greyAlpha, pixelsGreyAlpha, palette(2)), [2]string{dark, light}},
		"palette_of_RGB_with_4_bytes_is_ignored":           {file(8, rgb, pixelsRGB, phototest.Chunk("PLTE", make([]byte, 4))), [2]string{red, green}},
		"palette_of_RGB_after_the_pixels_is_ignored":       {beforeEnd(file(8, rgb, pixelsRGB), palette(2)), [2]string{red, green}},
		"content_of_IEND_is_ignored":                       {beforeEnd(file(8, rgb, pixelsRGB), phototest.Chunk("IEND", []byte{1})), [2]string{red, green}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := hexColours(p); !slices.Equal(got, tt.want[:]) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	for name, data := range map[string][]byte{
		"palette_of_257_colours":                file(8, indexed, []byte{0, 1}, palette(257)),
		"palette_of_257_colours_for_1_bit":      file(1, indexed, []byte{0x40}, palette(257)),
		"palette_for_63_bits":                   file(63, indexed, []byte{0}, palette(2)),
		"palette_of_4_bytes":                    file(8, indexed, []byte{0, 0}, phototest.Chunk("PLTE", make([]byte, 4))),
		"palette_without_colours":               file(8, indexed, []byte{0, 1}, palette(0)),
		"palette_of_RGB_without_colours":        file(8, rgb, pixelsRGB, palette(0)),
		"palette_with_a_wrong_checksum":         file(1, indexed, []byte{0x40}, damaged(palette(256))),
		"ignored_palette_with_a_wrong_checksum": file(8, grey, pixelsGrey, damaged(palette(2))),
		"second_palette":                        file(1, indexed, []byte{0x40}, palette(256), palette(2)),
		"second_palette_of_grey":                file(8, grey, pixelsGrey, palette(2), palette(2)),
		"second_palette_of_RGB":                 file(8, rgb, pixelsRGB, palette(2), palette(2)),
		"palette_before_IHDR":                   slices.Insert(file(8, grey, pixelsGrey), len(pngSignature), palette(2)...),
		"indices_without_a_palette":             file(8, indexed, []byte{0, 1}, tRNS(0)),
		"IEND_with_a_wrong_checksum":            damaged(file(8, rgb, pixelsRGB)),
	} {
		t.Run(name+"_is_bad", func(t *testing.T) {
			if _, err := Decode(data); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
}
