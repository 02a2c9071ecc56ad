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

// withoutMetadata removes the chunks that image/png ignores but whose checksum it verifies
// (https://go.dev/issue/43382). Like libpng, it also removes a tRNS chunk with a wrong checksum.
func withoutMetadata(png []byte) []byte {
	out := []byte(pngSignature)
	for c := range chunks(png) {
		if !c.isAncillary() || c.name == "tRNS" && c.isIntact() {
			out = append(out, c.raw...)
		}
	}
	return out
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
