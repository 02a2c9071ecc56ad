package photo

import (
	"bytes"
	"image/jpeg"
	"path/filepath"
	"slices"
	"testing"

	"triptych/emulators/vision/photo/phototest"
)

func TestDecodeJPEG(t *testing.T) {
	picture := quarters()
	for _, name := range progressive {
		t.Run(filepath.Base(name), func(t *testing.T) {
			p, err := Decode(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			checkQuarters(t, p, picture)
		})
	}
	subsampling := [][2]int{{3, 1}, {1, 1}, {1, 1}}
	file := phototest.JPEG{Picture: picture, Sampling: subsampling}.Encode()
	withRestarts := phototest.JPEG{Picture: picture, Sampling: subsampling, Interval: 5}.Encode()
	markers := phototest.RestartMarkers(withRestarts)
	end := []byte{0xff, 0xd9}
	adobe := func(transform byte) []byte {
		return []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + string(transform))
	}
	for name, tt := range map[string]struct {
		sampling [][2]int
		marker   []byte
	}{
		"grey":              {[][2]int{{1, 1}}, nil},
		"YCbCr":             {[][2]int{{1, 1}, {1, 1}, {1, 1}}, nil},
		"subsampled_YCbCr":  {[][2]int{{2, 2}, {1, 1}, {1, 1}}, nil},
		"YCbCr_by_Adobe":    {[][2]int{{2, 1}, {1, 1}, {1, 1}}, adobe(1)},
		"RGB_by_Adobe":      {[][2]int{{1, 1}, {1, 1}, {1, 1}}, adobe(0)},
		"CMYK_by_Adobe":     {[][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, adobe(0)},
		"YCbCrK_by_Adobe":   {[][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, adobe(2)},
		"RGB_but_with_JFIF": {[][2]int{{1, 1}, {1, 1}, {1, 1}}, append([]byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), adobe(0)...)},
	} {
		t.Run(name+"_is_decoded_as_by_image/jpeg", func(t *testing.T) {
			file := phototest.JPEG{Picture: picture, Sampling: tt.sampling, Interval: 3}.Encode()
			file = slices.Concat(file[:2], tt.marker, file[2:])
			want, err := jpeg.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeJPEG(file, picture.Rect.Max)
			if err != nil {
				t.Fatal(err)
			}
			for y := range picture.Rect.Dy() {
				for x := range picture.Rect.Dx() {
					r, g, b, _ := got.At(x, y).RGBA()
					wantR, wantG, wantB, _ := want.At(x, y).RGBA()
					for i, difference := range []int{int(r) - int(wantR), int(g) - int(wantG), int(b) - int(wantB)} {
						if max(difference, -difference) > 4<<8 {
							t.Fatalf("channel %d at (%d,%d) differs by %d", i, x, y, difference>>8)
						}
					}
				}
			}
		})
	}
	t.Run("components_with_equal_IDs_are_told_apart_by_their_order", func(t *testing.T) {
		file := phototest.JPEG{Picture: picture, Sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}}.Encode()
		file = bytes.Replace(file, []byte("\x03\x01\x11\x00\x02\x11\x00\x03\x11"), []byte("\x03\x01\x11\x00\x01\x11\x00\x01\x11"), 1)
		file = bytes.Replace(file, []byte("\x03\x01\x00\x02\x00\x03\x00"), []byte("\x03\x01\x00\x01\x00\x01\x00"), 1)
		p, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		checkQuarters(t, p, picture)
	})
	t.Run("quantisation_table_after_the_first_scans_is_ignored", func(t *testing.T) {
		file := read(t, progressive[0])
		late := slices.Concat([]byte{0xff, markerDQT, 0, 2 + 2*65, 0}, bytes.Repeat([]byte{255}, 64), []byte{1}, bytes.Repeat([]byte{255}, 64))
		p, err := Decode(slices.Insert(file, len(file)-2, late...))
		if err != nil {
			t.Fatal(err)
		}
		checkQuarters(t, p, picture)
	})
	t.Run("wrong_restart_marker_of_a_progressive_file_loses_only_a_part", func(t *testing.T) {
		file := read(t, progressive[1])
		for _, marker := range phototest.RestartMarkers(file) {
			for by := byte(1); by < 8; by++ {
				wrong := bytes.Clone(file)
				wrong[marker+1] = markerRST0 + (wrong[marker+1]+by)&7
				p, err := Decode(wrong)
				if err != nil {
					t.Fatalf("marker at byte %d, %d too high: %v", marker, by, err)
				}
				// The first interval of each scan precedes the marker.
				if c := p.Pixels.RGBAAt(2, 2); c.R > 20 || c.G > 20 || c.B < 80 || c.B > 120 {
					t.Errorf("marker at byte %d, %d too high: the first pixels are %v", marker, by, c)
				}
			}
		}
	})
	t.Run("without_its_last_restart_marker_a_file_loses_only_its_end", func(t *testing.T) {
		last := markers[len(markers)-1]
		p, err := Decode(slices.Delete(bytes.Clone(withRestarts), last, last+2))
		if err != nil || p.Pixels.RGBAAt(97, 27).R < 180 || p.Pixels.RGBAAt(97, 57).G > 140 {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	changed := func(find, replacement string) []byte {
		return bytes.Replace(file, []byte(find), []byte(replacement), 1)
	}
	for name, data := range map[string][]byte{
		"truncated":                              file[:len(file)/2],
		"without_end_marker":                     file[:len(file)-2],
		"end_marker_in_the_pixels":               slices.Concat(file[:len(file)/2], end),
		"truncated_at_a_restart":                 withRestarts[:markers[2]],
		"end_marker_instead_of_restarts":         slices.Concat(withRestarts[:markers[2]], end),
		"end_marker_instead_of_the_last_restart": slices.Concat(withRestarts[:markers[len(markers)-1]], end),
		"interval_without_data":                  slices.Concat(withRestarts[:markers[1]+2], withRestarts[markers[2]:]),
		"invalid_code":                           slices.Concat(file[:len(file)-20], []byte("\xff\x00\xff\x00\xff\x00"), file[len(file)-14:]),
		"12_bits":                                changed("\xff\xc0\x00\x11\x08", "\xff\xc0\x00\x11\x0c"),
		"lossless":                               changed("\xff\xc0", "\xff\xc3"),
		"sampling_factor_of_0":                   changed("\x01\x31", "\x01\x01"),
		"without_quantisation_table":             changed("\xff\xdb", "\xff\xef"),
		"without_Huffman_tables":                 changed("\xff\xc4", "\xff\xe4"),
		"without_frame":                          changed("\xff\xc0", "\xff\xe0"),
		"without_scan":                           slices.Concat(file[:bytes.Index(file, []byte{0xff, markerSOS})], end),
		"component_twice_in_a_scan":              changed("\xff\xda\x00\x0c\x03\x01\x00\x02", "\xff\xda\x00\x0c\x03\x01\x00\x01"),
		"two_frames":                             slices.Concat(file[:2], file[bytes.Index(file, []byte{0xff, markerSOF0}):][:19], file[2:]),
	} {
		t.Run(name+"_is_bad", func(t *testing.T) {
			if _, err := Decode(data); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("more_than_75_megapixels_are_too_large", func(t *testing.T) {
		if _, err := Decode(changed("\x00\x3c\x00\x64\x03", "\xff\xff\xff\xff\x03")); err != ErrTooLarge {
			t.Errorf("got %v", err)
		}
	})
	t.Run("number_of_scans_is_limited", func(t *testing.T) {
		file := phototest.JPEG{Picture: picture, Sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}}.Encode()
		scan := file[bytes.Index(file, []byte{0xff, markerSOS}) : len(file)-2]
		for scans, want := range map[int]error{maxScans: nil, maxScans + 1: ErrBad} {
			repeated := slices.Concat(file[:len(file)-2], bytes.Repeat(scan, scans-1), end)
			if _, err := jpeg.Decode(bytes.NewReader(repeated)); err != nil {
				t.Fatal(err) // without the limit, image/jpeg would decode it
			}
			if _, err := Decode(repeated); err != want {
				t.Errorf("%d scans: got %v, want %v", scans, err, want)
			}
		}
	})
}
