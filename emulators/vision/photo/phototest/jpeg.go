package phototest

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"math/bits"
	"slices"
	"testing"
)

func jpegs(_ testing.TB, picture image.Image) map[string][]byte {
	ycc := func(sampling ...[2]int) JPEG { return JPEG{Picture: picture, Sampling: sampling} }
	restarts := ycc([2]int{2, 2}, [2]int{1, 1}, [2]int{1, 1})
	restarts.Interval = 1
	file := restarts.Encode()
	// In a picture of 512 × 512 or 100 × 60 pixels, no important part follows this marker.
	marker := RestartMarkers(file)[9]
	renumbered := func(by byte) []byte {
		file := bytes.Clone(file)
		file[marker+1] = 0xd0 + (file[marker+1]+by)%8
		return file
	}
	return map[string][]byte{
		"JPEG_with_3x1_subsampling":                 ycc([2]int{3, 1}, [2]int{1, 1}, [2]int{1, 1}).Encode(),
		"JPEG_with_3x2_subsampling":                 ycc([2]int{3, 2}, [2]int{1, 1}, [2]int{1, 1}).Encode(),
		"JPEG_with_mixed_subsampling":               ycc([2]int{2, 2}, [2]int{1, 2}, [2]int{2, 1}).Encode(),
		"JPEG_with_less_luma_than_chroma":           ycc([2]int{1, 1}, [2]int{1, 2}, [2]int{2, 1}).Encode(),
		"JPEG_with_CMYK_without_Adobe_marker":       JPEG{Picture: picture, Sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}}.Encode(),
		"JPEG_with_restart_marker_one_too_high":     renumbered(1),
		"JPEG_with_restart_marker_one_too_low":      renumbered(7),
		"JPEG_with_restart_marker_of_any_number":    renumbered(4),
		"JPEG_without_a_restart_marker":             slices.Delete(bytes.Clone(file), marker, marker+2),
		"JPEG_without_data_between_restart_markers": slices.Delete(bytes.Clone(file), marker, RestartMarkers(file)[11]),
	}
}

// JPEG is a sequential JPEG file.
type JPEG struct {
	Picture  image.Image
	Sampling [][2]int // horizontal and vertical factor of each component; three are YCbCr, four are inverted CMYK
	Interval int      // minimum coded units between restart markers; 0: no markers
}

// Codes have a fixed length: four bits for DC and eight for AC symbols, so that a code is the index of its symbol.
var dcSymbols, acSymbols = func() (dc, ac []byte) {
	for size := range byte(12) {
		dc = append(dc, size)
	}
	for run := range byte(16) {
		for size := range byte(11) {
			if size > 0 || run == 0 || run == 15 {
				ac = append(ac, run<<4|size)
			}
		}
	}
	return dc, ac
}()

const quantum = 2 // of all coefficients

// Encode returns the file. It has neither a JFIF nor an Adobe marker.
func (j JPEG) Encode() []byte {
	out := []byte("\xff\xd8")
	segment := func(marker byte, body ...byte) {
		out = append(binary.BigEndian.AppendUint16(append(out, 0xff, marker), uint16(len(body)+2)), body...)
	}
	size := j.Picture.Bounds().Size()
	frame := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, uint16(size.Y)), uint16(size.X))
	frame = append(frame, byte(len(j.Sampling)))
	scan := []byte{byte(len(j.Sampling))}
	for i, factors := range j.Sampling {
		frame = append(frame, byte(i+1), byte(factors[0]<<4|factors[1]), 0)
		scan = append(scan, byte(i+1), 0)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{quantum}, 64)...)...)
	segment(0xc0, frame...)
	segment(0xc4, slices.Concat([]byte{0x00, 3: 0, 4: byte(len(dcSymbols)), 16: 0}, dcSymbols)...)
	segment(0xc4, slices.Concat([]byte{0x10, 8: byte(len(acSymbols)), 16: 0}, acSymbols)...)
	segment(0xdd, byte(j.Interval>>8), byte(j.Interval))
	segment(0xda, append(scan, 0, 63, 0)...)
	return append(append(out, j.units()...), 0xff, 0xd9)
}

func (j JPEG) units() []byte {
	h, v := 0, 0
	for _, factors := range j.Sampling {
		h, v = max(h, factors[0]), max(v, factors[1])
	}
	w := &bitWriter{}
	dc := make([]int, len(j.Sampling))
	size := j.Picture.Bounds().Size()
	columns, rows := (size.X+8*h-1)/(8*h), (size.Y+8*v-1)/(8*v)
	for unit := range columns * rows {
		if j.Interval > 0 && unit > 0 && unit%j.Interval == 0 {
			w.align()
			w.out = append(w.out, 0xff, 0xd0+byte(unit/j.Interval-1)%8)
			clear(dc)
		}
		for i, factors := range j.Sampling {
			for block := range factors[0] * factors[1] {
				left := 8 * (unit%columns*factors[0] + block%factors[0])
				top := 8 * (unit/columns*factors[1] + block/factors[0])
				samples := func(x, y int) float64 { return j.sample(i, (left+x)*h/factors[0], (top+y)*v/factors[1]) }
				w.block(transform(samples), &dc[i])
			}
		}
	}
	w.align()
	return w.out
}

func (j JPEG) sample(component, x, y int) float64 {
	bounds := j.Picture.Bounds()
	at := color.RGBAModel.Convert(j.Picture.At(bounds.Min.X+min(x, bounds.Dx()-1), bounds.Min.Y+min(y, bounds.Dy()-1))).(color.RGBA)
	if len(j.Sampling) == 4 {
		c, m, y, k := color.RGBToCMYK(at.R, at.G, at.B)
		return 127 - float64([]uint8{c, m, y, k}[component])
	}
	luma, blue, red := color.RGBToYCbCr(at.R, at.G, at.B)
	return float64([]uint8{luma, blue, red}[component]) - 128
}

// transform returns the quantised coefficients of the DCT, row by row.
func transform(sample func(x, y int) float64) (coefficients [64]int) {
	factor := func(position, frequency int) float64 {
		scale := 0.5
		if frequency == 0 {
			scale = math.Sqrt(0.125)
		}
		return scale * math.Cos(float64((2*position+1)*frequency)*math.Pi/16)
	}
	var rows [8][8]float64 // by horizontal frequency
	for y := range 8 {
		for x := range 8 {
			s := sample(x, y)
			for u := range 8 {
				rows[y][u] += s * factor(x, u)
			}
		}
	}
	for v := range 8 {
		for u := range 8 {
			var sum float64
			for y := range 8 {
				sum += rows[y][u] * factor(y, v)
			}
			coefficients[8*v+u] = int(math.Round(sum / quantum))
		}
	}
	return coefficients
}

type bitWriter struct {
	out    []byte
	buffer uint32
	n      int
}

func (w *bitWriter) write(value uint32, n int) {
	for w.buffer, w.n = w.buffer<<n|value, w.n+n; w.n >= 8; w.n -= 8 {
		b := byte(w.buffer >> (w.n - 8))
		w.out = append(w.out, b)
		if b == 0xff {
			w.out = append(w.out, 0)
		}
	}
}

// align fills the last byte with ones.
func (w *bitWriter) align() { w.write(1<<(-w.n&7)-1, -w.n&7) }

func (w *bitWriter) signed(value, size int) {
	if value < 0 {
		value += 1<<size - 1
	}
	w.write(uint32(value), size)
}

func (w *bitWriter) block(coefficients [64]int, dc *int) {
	difference := coefficients[0] - *dc
	*dc = coefficients[0]
	w.write(uint32(bitSize(difference)), 4)
	w.signed(difference, bitSize(difference))
	run := 0
	for at := 1; at < 64; at++ {
		value := coefficients[zigzag[at]]
		if value == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			w.symbol(0xf0)
		}
		w.symbol(byte(run<<4 | bitSize(value)))
		w.signed(value, bitSize(value))
		run = 0
	}
	if run > 0 {
		w.symbol(0)
	}
}

func (w *bitWriter) symbol(s byte) { w.write(uint32(bytes.IndexByte(acSymbols, s)), 8) }

func bitSize(value int) int { return bits.Len(uint(max(value, -value))) }

var zigzag = func() (order []int) {
	for diagonal := range 15 {
		for i := range diagonal + 1 {
			x, y := i, diagonal-i
			if diagonal%2 == 1 {
				x, y = y, x
			}
			if x < 8 && y < 8 {
				order = append(order, 8*y+x)
			}
		}
	}
	return order
}()

// RestartMarkers returns the offsets of the restart markers in a file with one scan.
func RestartMarkers(file []byte) []int {
	var offsets []int
	for i := bytes.Index(file, []byte{0xff, 0xda}); i < len(file)-1; i++ {
		if file[i] == 0xff && file[i+1] >= 0xd0 && file[i+1] <= 0xd7 {
			offsets = append(offsets, i)
		}
	}
	return offsets
}
