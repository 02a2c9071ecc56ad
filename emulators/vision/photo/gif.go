package photo

import (
	"bytes"
	"encoding/binary"
)

func isGIF(data []byte) bool { return bytes.HasPrefix(data, []byte("GIF8")) }

// withWholeFrame enlarges the logical screen so that it contains the first frame, like Chromium's decoder
// (google/wuffs, test/data/artificial-gif/frame-out-of-bounds.gif.make-artificial.txt). image/gif refuses larger frames.
func withWholeFrame(gif []byte) []byte {
	const header, extension, frame = 13, 0x21, 0x2c
	if len(gif) < header {
		return gif
	}
	for rest := afterPalette(gif[header:], gif[10]); len(rest) >= 10; {
		switch rest[0] {
		case frame:
			out := bytes.Clone(gif)
			for side := 0; side < 4; side += 2 {
				screen := binary.LittleEndian.Uint16(gif[6+side:])
				start, length := binary.LittleEndian.Uint16(rest[1+side:]), binary.LittleEndian.Uint16(rest[5+side:])
				if end := int(start) + int(length); end < 1<<16 {
					binary.LittleEndian.PutUint16(out[6+side:], max(screen, uint16(end)))
				}
			}
			return out
		case extension:
			for rest = rest[2:]; len(rest) > 0 && rest[0] > 0; {
				rest = rest[min(1+int(rest[0]), len(rest)):]
			}
			rest = rest[min(1, len(rest)):]
		default:
			return gif
		}
	}
	return gif
}

// afterPalette skips the global palette.
func afterPalette(data []byte, flags byte) []byte {
	if flags&0x80 == 0 {
		return data
	}
	return data[min(3<<(flags&7+1), len(data)):]
}
