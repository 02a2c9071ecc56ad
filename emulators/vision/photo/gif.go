package photo

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"image"
	"image/color"
	"io"
)

func isGIF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("GIF87a")) || bytes.HasPrefix(data, []byte("GIF89a"))
}

// A gifFrame is the first frame of a GIF file.
type gifFrame struct {
	screen     image.Point // contains the frame
	bounds     image.Rectangle
	palette    color.Palette // 256 colours
	interlaced bool
	litWidth   int    // bits per pixel, for the compression
	blocks     []byte // the compressed pixels and what follows them
}

// readGIF reads the first frame, but does not decompress it. Unlike image/gif and like Chromium, it skips unknown
// extensions, and malformed ones except a graphic control.
func readGIF(data []byte) (*gifFrame, error) {
	const header, extension, graphicControl, frame = 13, 0x21, 0xf9, 0x2c
	if len(data) < header {
		return nil, ErrBad
	}
	palette, rest := gifPalette(data[header:], data[10])
	var control []byte // the last graphic control extension
	for len(rest) > 1 {
		switch kind, label := rest[0], rest[1]; kind {
		case extension:
			var body []byte
			body, rest = subBlocks(rest[2:])
			if label != graphicControl {
				continue
			}
			if len(body) != 4 {
				return nil, ErrBad
			}
			control = body
		case frame:
			return readFrame(rest[1:], point(data[6:]), palette, control)
		default:
			return nil, ErrBad
		}
	}
	return nil, ErrBad
}

// readFrame enlarges the logical screen so that it contains the frame, like Chromium's decoder (google/wuffs,
// test/data/artificial-gif/frame-out-of-bounds.gif.make-artificial.txt). image/gif refuses larger frames.
func readFrame(data []byte, screen image.Point, palette, control []byte) (*gifFrame, error) {
	const descriptor = 9
	if len(data) < descriptor {
		return nil, ErrBad
	}
	flags := data[8]
	bounds := image.Rectangle{Max: point(data[4:])}.Add(point(data))
	local, pixels := gifPalette(data[descriptor:], flags)
	if len(pixels) == 0 {
		return nil, ErrBad
	}
	if len(local) > 0 {
		palette = local
	}
	return &gifFrame{
		screen:     image.Pt(max(screen.X, bounds.Max.X), max(screen.Y, bounds.Max.Y)),
		bounds:     bounds,
		palette:    fullPalette(palette, control),
		interlaced: flags&0x40 != 0,
		litWidth:   int(pixels[0]),
		blocks:     pixels[1:],
	}, nil
}

func point(data []byte) image.Point {
	return image.Pt(int(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:])))
}

// gifPalette splits the data after the palette. There is a palette only if the flags say so.
func gifPalette(data []byte, flags byte) (colours, rest []byte) {
	if flags&0x80 == 0 {
		return nil, data
	}
	size := min(3<<(flags&7+1), len(data))
	return data[:size], data[size:]
}

// fullPalette adds black for pixels outside the palette, like Chromium. image/gif refuses such pixels. `control` is a
// graphic control extension, which can make one colour transparent, or nil.
func fullPalette(colours, control []byte) color.Palette {
	palette := make(color.Palette, 256)
	for i := range palette {
		c := color.RGBA{A: 255}
		if 3*i+2 < len(colours) {
			c.R, c.G, c.B = colours[3*i], colours[3*i+1], colours[3*i+2]
		}
		palette[i] = c
	}
	if control != nil && control[0]&1 != 0 {
		palette[control[3]] = color.RGBA{}
	}
	return palette
}

// subBlocks returns the content of the blocks up to a terminator, and what follows the terminator.
func subBlocks(data []byte) (body, rest []byte) {
	for len(data) > 0 && data[0] > 0 {
		end := min(1+int(data[0]), len(data))
		body, data = append(body, data[1:end]...), data[end:]
	}
	return body, data[min(1, len(data)):]
}

// decodeGIF stops after the last pixel, because image/gif refuses more compressed data and browsers ignore it.
func decodeGIF(data []byte) (image.Image, error) {
	f, err := readGIF(data)
	if err != nil {
		return nil, err
	}
	decoded := image.NewPaletted(f.bounds, f.palette)
	compressed, _ := subBlocks(f.blocks)
	pixels := lzw.NewReader(bytes.NewReader(compressed), lzw.LSB, f.litWidth)
	defer pixels.Close()
	passes := []struct{ top, down int }{{0, 1}}
	if f.interlaced {
		passes = []struct{ top, down int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	for _, p := range passes {
		for y := p.top; y < f.bounds.Dy(); y += p.down {
			if _, err := io.ReadFull(pixels, decoded.Pix[y*decoded.Stride:][:decoded.Stride]); err != nil {
				return nil, err
			}
		}
	}
	return decoded, nil
}
