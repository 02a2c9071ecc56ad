package photo

import (
	"bytes"
	"encoding/binary"
)

func isWebP(data []byte) bool {
	return len(data) >= 12 && bytes.HasPrefix(data, []byte("RIFF")) && string(data[8:12]) == "WEBP"
}

// withAlphaFlag makes the alpha flag of a VP8X chunk agree with the presence of an ALPH chunk. libwebp ignores the flag;
// golang.org/x/image/webp refuses the file if it is wrong.
func withAlphaFlag(webp []byte) []byte {
	const start, header, alpha = 12, 8, 0x10
	if len(webp) <= start+header || string(webp[start:start+4]) != "VP8X" {
		return webp
	}
	out := bytes.Clone(webp)
	out[start+header] &^= alpha
	for rest := webp[start:]; len(rest) >= header; {
		switch string(rest[:4]) {
		case "ALPH":
			out[start+header] |= alpha
			return out
		case "VP8 ":
			return out
		}
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[min(header+size+size%2, int64(len(rest))):]
	}
	return out
}
