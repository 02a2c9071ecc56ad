package photo

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"slices"
	"testing"

	"triptych/emulators/vision/photo/phototest"
)

var colours = color.Palette{color.RGBA{200, 0, 0, 255}, color.RGBA{0, 200, 0, 255}, color.RGBA{0, 0, 200, 255}, color.RGBA{200, 200, 0, 255}}

func transparentGIFColour(index byte) []byte { return []byte{0x21, 0xf9, 4, 1, 0, 0, index, 0} }

// Chromium 156 displays these files in the same way.
func TestDecodeGIFThatBreaksARule(t *testing.T) {
	pixels := []byte{0, 1, 2, 3}
	surplus := append(bytes.Clone(pixels), make([]byte, 20_000)...)
	all := []string{red, green, blue, yellow}
	for name, tt := range map[string]struct {
		file phototest.GIF
		want []string
	}{
		"one_surplus_pixel_is_ignored":                {phototest.GIF{Palette: colours, Pixels: surplus[:5]}, all},
		"many_surplus_pixels_are_ignored":             {phototest.GIF{Palette: colours, Pixels: surplus}, all},
		"surplus_pixel_of_interlaced_file_is_ignored": {phototest.GIF{Palette: colours, Pixels: surplus[:5], Interlaced: true}, all},
		"pixel_outside_the_palette_is_black":          {phototest.GIF{Palette: colours[:2], Pixels: []byte{0, 1, 2, 255}}, []string{red, green, black, black}},
		"transparent_colour_outside_the_palette_is_applied": {
			phototest.GIF{Palette: colours[:2], Pixels: pixels, Extensions: transparentGIFColour(2)}, []string{red, green, white, black},
		},
		"without_a_palette_all_pixels_are_black": {phototest.GIF{Pixels: pixels}, []string{black, black, black, black}},
		"unknown_extension_is_ignored": {
			phototest.GIF{Palette: colours, Pixels: pixels, Extensions: []byte("\x21\x42\x02ab\x01c\x00")}, all,
		},
		"text_extension_with_wrong_size_is_ignored": {
			phototest.GIF{Palette: colours, Pixels: pixels, Extensions: []byte("\x21\x01\x02ab\x01c\x00")}, all,
		},
		"empty_application_extension_is_ignored": {
			phototest.GIF{Palette: colours, Pixels: pixels, Extensions: []byte("\x21\xff\x00")}, all,
		},
		"last_of_two_graphic_controls_is_applied": {
			phototest.GIF{Palette: colours, Pixels: pixels, Extensions: append(transparentGIFColour(0), 0x21, 0xf9, 4, 0, 0, 0, 0, 0)}, all,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.file.Size = image.Pt(2, 2)
			p, err := Decode(tt.file.Encode(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := hexColours(p); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	for name, file := range map[string]phototest.GIF{
		"fewer_pixels_than_its_size":           {Palette: colours, Pixels: pixels[:3]},
		"graphic_control_extension_of_3_bytes": {Palette: colours, Pixels: pixels, Extensions: []byte("\x21\xf9\x03abc\x00")},
		"unknown_block":                        {Palette: colours, Pixels: pixels, Extensions: []byte{7}},
	} {
		t.Run(name+"_is_bad", func(t *testing.T) {
			file.Size = image.Pt(2, 2)
			if _, err := Decode(file.Encode(t)); err != ErrBad {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDecodeGIFThatKeepsTheRules(t *testing.T) {
	size := image.Pt(7, 21)
	var pixels []byte
	for i := range size.X * size.Y {
		pixels = append(pixels, byte(i*i/5%4))
	}
	frame := &image.Paletted{Pix: pixels, Stride: size.X, Rect: image.Rectangle{Max: size}, Palette: colours}
	local := encoded(t, func(b *bytes.Buffer) error { // EncodeAll without a palette in Config writes one for each frame
		return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}, Config: image.Config{Width: size.X, Height: size.Y}})
	})
	for name, file := range map[string][]byte{
		"sequential_file":    phototest.GIF{Size: size, Palette: colours, Pixels: pixels}.Encode(t),
		"interlaced_file":    phototest.GIF{Size: size, Palette: colours, Pixels: pixels, Interlaced: true}.Encode(t),
		"transparent_colour": phototest.GIF{Size: size, Palette: colours, Pixels: pixels, Extensions: transparentGIFColour(1)}.Encode(t),
		"palette_of_a_frame": local,
	} {
		t.Run(name+"_is_decoded_as_by_image/gif", func(t *testing.T) {
			want, err := gif.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Pixels.Pix, shrink(want, want.Bounds(), 1).Pix) {
				t.Error("the pixels differ")
			}
		})
	}
}
