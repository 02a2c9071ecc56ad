package phototest

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"image"
	"image/color"
	"math/bits"
	"slices"
	"testing"
)

// A GIF is a file with one frame.
type GIF struct {
	Size       image.Point
	Palette    color.Palette // may be empty; black is added up to a power of two
	Extensions []byte        // before the frame
	Interlaced bool
	Pixels     []byte // their number may differ from the size
}

// Encode returns the file.
func (g GIF) Encode(t testing.TB) []byte {
	t.Helper()
	screen := binary.LittleEndian.AppendUint16([]byte("GIF89a"), uint16(g.Size.X))
	screen = binary.LittleEndian.AppendUint16(screen, uint16(g.Size.Y))
	frame := slices.Concat([]byte{0x2c, 0, 0, 0, 0}, screen[6:])
	if n := len(g.Palette); n > 0 {
		exponent := max(1, bits.Len(uint(n-1)))
		colours := make([]byte, 3<<exponent)
		for i, c := range g.Palette {
			c := color.RGBAModel.Convert(c).(color.RGBA)
			copy(colours[3*i:], []byte{c.R, c.G, c.B})
		}
		screen = slices.Concat(screen, []byte{0x80 | byte(exponent-1), 0, 0}, colours)
	} else {
		screen = append(screen, 0, 0, 0)
	}
	if g.Interlaced {
		frame = append(frame, 0x40)
	} else {
		frame = append(frame, 0)
	}
	return slices.Concat(screen, g.Extensions, frame, compressGIF(t, g.Pixels), []byte{0x3b})
}

func compressGIF(t testing.TB, pixels []byte) []byte {
	t.Helper()
	const litWidth = 8
	compressed := encode(t, func(b *bytes.Buffer) error {
		w := lzw.NewWriter(b, lzw.LSB, litWidth)
		if _, err := w.Write(pixels); err != nil {
			return err
		}
		return w.Close()
	})
	out := []byte{litWidth}
	for block := range slices.Chunk(compressed, 255) {
		out = append(append(out, byte(len(block))), block...)
	}
	return append(out, 0)
}
