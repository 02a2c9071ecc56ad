package phototest

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// WithAlpha adds the chunk VP8X, and ALPH unless `alpha` is nil, to a lossy WebP file that has only the chunk VP8. `flag`
// says whether VP8X announces ALPH.
func WithAlpha(file []byte, width, height int, flag bool, alpha []byte) []byte {
	header := make([]byte, 10)
	if flag {
		header[0] = 0x10
	}
	for i := range 3 {
		header[4+i], header[7+i] = byte((width-1)>>(8*i)), byte((height-1)>>(8*i))
	}
	const uncompressed = 0
	chunks := webPChunk("VP8X", header)
	if alpha != nil {
		chunks = append(chunks, webPChunk("ALPH", append([]byte{uncompressed}, alpha...))...)
	}
	out := slices.Concat(file[:12], chunks, file[12:])
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

func webPChunk(name string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	return append(append(out, body...), bytes.Repeat([]byte{0}, len(body)%2)...)
}
