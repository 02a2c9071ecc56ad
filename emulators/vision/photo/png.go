package photo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"iter"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// A chunk is a part of a PNG file.
type chunk struct {
	name string
	body []byte
	raw  []byte // with length, name and checksum
}

// chunks ends after IEND, or before a truncated chunk.
func chunks(png []byte) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		const around = 12 // bytes of length, name and checksum
		for rest := png[len(pngSignature):]; len(rest) >= around; {
			size := int64(binary.BigEndian.Uint32(rest)) + around
			if size > int64(len(rest)) {
				return
			}
			raw := rest[:size]
			c := chunk{string(raw[4:8]), raw[8 : size-4], raw}
			if !yield(c) || c.name == "IEND" {
				return
			}
			rest = rest[size:]
		}
	}
}

func (c chunk) isIntact() bool {
	end := len(c.raw) - 4
	return crc32.ChecksumIEEE(c.raw[4:end]) == binary.BigEndian.Uint32(c.raw[end:])
}

func (c chunk) isAncillary() bool { return c.name[0]&0x20 != 0 }

// repairPNG removes and shortens what libpng ignores and image/png refuses. For example, image/png verifies the checksums
// of chunks that it does not use (https://go.dev/issue/43382).
func repairPNG(png []byte) []byte {
	out := []byte(pngSignature)
	var s pngState
	for c := range chunks(png) {
		switch {
		case c.name == "IHDR" && len(c.body) == 13 && !s.afterHeader:
			s.afterHeader, s.depth, s.colourType = true, c.body[8], c.body[9]
		case c.name == "IDAT":
			s.afterPixels = true
		case c.name == "PLTE" && s.afterHeader:
			if s.hasPalette {
				return out // libpng refuses the file; image/png refuses it because it has no IEND
			}
			s.hasPalette = true
			c.raw = s.readPalette(c)
		case c.name == "tRNS" && s.acceptsTransparency(c):
			s.hasTransparency = true
		case c.name == "IEND" && c.isIntact():
			c.raw = appendChunk(nil, "IEND", nil)
		case c.isAncillary():
			continue
		}
		out = append(out, c.raw...)
	}
	return out
}

// A pngState describes the chunks that precede a chunk.
type pngState struct {
	depth, colourType                                     byte
	colours                                               int // in the palette
	afterHeader, hasPalette, hasTransparency, afterPixels bool
}

// The colour types of PNG (https://www.w3.org/TR/png-3/#3colourType).
const (
	pngGrey    = 0
	pngRGB     = 2
	pngPalette = 3
)

// readPalette returns the chunk without colours that no index can reach, or nothing if the pixels are not indices.
func (s *pngState) readPalette(c chunk) []byte {
	const maxSize = 3 * 256
	size := len(c.body)
	switch {
	case !c.isIntact() || size == 0: // libpng refuses the file, too
	case s.colourType != pngPalette:
		return nil
	case size <= maxSize && size%3 == 0:
		s.colours = min(size/3, 1<<min(s.depth, 8)) // the depth may be invalid
		return appendChunk(nil, c.name, c.body[:3*s.colours])
	}
	return c.raw
}

// acceptsTransparency reports whether libpng applies a tRNS chunk. libpng ignores the others.
func (s *pngState) acceptsTransparency(c chunk) bool {
	size := len(c.body)
	if s.afterPixels || s.hasTransparency || !c.isIntact() {
		return false
	}
	switch s.colourType {
	case pngGrey:
		return size == 2
	case pngRGB:
		return size == 6
	case pngPalette:
		return size > 0 && size <= s.colours
	}
	return false
}

// exifOfPNG ignores a chunk after the pixels, as browsers do (https://github.com/w3c/png/issues/447).
func exifOfPNG(png []byte) []byte {
	for c := range chunks(png) {
		if c.name == "IDAT" {
			break
		}
		if c.name == "eXIf" && c.isIntact() {
			return c.body
		}
	}
	return nil
}

// decodePNG decodes files that image/png refuses because their compressed pixels are followed by more data or by a wrong
// Adler-32 checksum. It gives image/png a stream with the expected number of bytes, without compression.
func decodePNG(file []byte) (image.Image, error) {
	var header, before, after []byte
	var pixels []io.Reader
	for c := range chunks(file) {
		switch {
		case !c.isIntact():
			return nil, ErrBad
		case c.name == "IDAT":
			pixels = append(pixels, bytes.NewReader(c.body))
		case len(pixels) == 0:
			before = append(before, c.raw...)
			if c.name == "IHDR" && header == nil {
				header = c.body
			}
		default:
			after = append(after, c.raw...)
		}
	}
	stored, to := io.Pipe()
	defer stored.Close() // ends the goroutine if image/png returns an error
	go func() { to.CloseWithError(storePixels(to, io.MultiReader(pixels...), scanlinesSize(header))) }()
	return png.Decode(io.MultiReader(bytes.NewReader([]byte(pngSignature)), bytes.NewReader(before), stored, bytes.NewReader(after)))
}

func storePixels(to io.Writer, from io.Reader, size int64) error {
	pixels, err := zlib.NewReader(from)
	if err != nil {
		return err
	}
	stream, err := zlib.NewWriterLevel(pixelChunks{to}, zlib.NoCompression)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(stream, pixels, size); err != nil { // CopyN ends before the checksum
		return err
	}
	return stream.Close()
}

// pixelChunks writes an IDAT chunk for each call.
type pixelChunks struct{ to io.Writer }

func (w pixelChunks) Write(body []byte) (int, error) {
	if _, err := w.to.Write(appendChunk(nil, "IDAT", body)); err != nil {
		return 0, err
	}
	return len(body), nil
}

func appendChunk(to []byte, name string, body []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(body)))
	to = append(append(to, name...), body...)
	return binary.BigEndian.AppendUint32(to, crc32.ChecksumIEEE(to[len(to)-len(body)-len(name):]))
}

type pass struct{ left, top, across, down int64 }

// https://www.w3.org/TR/png-3/#8Interlace
var adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// scanlinesSize returns the size of the decompressed pixels. `header` is the body of an IHDR chunk that DecodeConfig has
// accepted.
func scanlinesSize(header []byte) int64 {
	width, height := int64(binary.BigEndian.Uint32(header)), int64(binary.BigEndian.Uint32(header[4:]))
	depth, colourType, interlaced := int64(header[8]), header[9], header[12] == 1
	bits := depth * map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colourType]
	passes := adam7
	if !interlaced {
		passes = []pass{{0, 0, 1, 1}}
	}
	var size int64
	for _, p := range passes {
		columns, rows := (width-p.left+p.across-1)/p.across, (height-p.top+p.down-1)/p.down
		if columns > 0 && rows > 0 {
			size += rows * (1 + (columns*bits+7)/8)
		}
	}
	return size
}
