package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"

	"triptych/emulators/vision/photo/phototest"
)

func TestOrientation(t *testing.T) {
	const block = 16 // pixels; keeps its colour in JPEG compression
	stored := image.NewRGBA(image.Rect(0, 0, 2*block, 3*block))
	for y := range 3 * block {
		for x := range 2 * block {
			c := color.RGBA{255, 255, 255, 255}
			if x < block {
				c = []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}}[y/block]
			}
			stored.SetRGBA(x, y, c)
		}
	}
	data := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, stored, &jpeg.Options{Quality: 100}) })
	initialOfColour := func(p *Photo, x, y int) byte {
		c := p.Pixels.RGBAAt(x*block+block/2, y*block+block/2)
		switch {
		case c.R > 200 && c.G > 200:
			return 'w'
		case c.R > 200:
			return 'r'
		case c.G > 200:
			return 'g'
		default:
			return 'b'
		}
	}
	for orientation, want := range []string{1: "rw/gw/bw", "wr/wg/wb", "wb/wg/wr", "bw/gw/rw", "rgb/www", "bgr/www", "www/bgr", "www/rgb"} {
		if orientation == 0 {
			continue
		}
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			t.Run("orientation_"+string(rune('0'+orientation))+"_"+order.String()+"_becomes_upright", func(t *testing.T) {
				p, err := Decode(withOrientation(data, uint16(orientation), order))
				if err != nil {
					t.Fatal(err)
				}
				var got []byte
				for y := range p.Height / block {
					if y > 0 {
						got = append(got, '/')
					}
					for x := range p.Width / block {
						got = append(got, initialOfColour(p, x, y))
					}
				}
				if string(got) != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
	t.Run("JPEG_that_image/jpeg_refuses_becomes_upright", func(t *testing.T) {
		refused := phototest.JPEG{Picture: stored, Sampling: [][2]int{{3, 1}, {1, 1}, {1, 1}}}.Encode()
		p, err := Decode(withOrientation(refused, 6, binary.BigEndian))
		if err != nil || p.Width != 3*block || p.Height != 2*block || initialOfColour(p, 0, 0) != 'b' || initialOfColour(p, 0, 1) != 'w' {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("damaged_tag_means_upright", func(t *testing.T) {
		whole := withOrientation(data, 6, binary.BigEndian)
		for _, cut := range []int{3, 5, 8, 12, 20, 30} {
			if got := readOrientation(slices.Concat(whole[:cut], whole[cut+1:])); got != upright {
				t.Errorf("without byte %d it is %d", cut, got)
			}
		}
	})
}

func withOrientation(data []byte, orientation uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II")
	}
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2) // entries
	for _, e := range [][2]uint16{{0x010f, 0}, {0x0112, orientation}} {
		tiff = order.AppendUint16(order.AppendUint16(tiff, e[0]), 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, e[1]), 0)
	}
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(out, segment...), data[2:]...)
}
