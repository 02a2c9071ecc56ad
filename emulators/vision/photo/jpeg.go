package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
)

// The markers of JPEG (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerSOF2  = 0xc2
	markerDHT   = 0xc4
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

const (
	blockSize = 64  // coefficients
	maxScans  = 100 // per file, as in cjpeg (rdswitch.c of libjpeg-turbo); each takes time, even if it is nearly empty
)

func isJPEG(data []byte) bool { return bytes.HasPrefix(data, []byte{0xff, markerSOI}) }

// nextSegment returns the next segment and what follows it. Like libjpeg, it skips bytes that do not belong to a
// segment. The marker is 0 at the end of the file and if the segment is truncated.
func nextSegment(data []byte) (marker byte, body, rest []byte) {
	data = data[markerIndex(data):]
	if len(data) < 2 {
		return 0, nil, nil
	}
	marker, data = data[1], data[2:]
	if marker >= markerRST0 && marker <= markerEOI {
		return marker, nil, data
	}
	if len(data) < 2 {
		return 0, nil, nil
	}
	size := int(binary.BigEndian.Uint16(data))
	if size < 2 || size > len(data) {
		return 0, nil, nil
	}
	return marker, data[2:size], data[size:]
}

// markerIndex returns len(data) if there is no marker.
func markerIndex(data []byte) int {
	for i := 0; i+1 < len(data); i++ {
		if data[i] == 0xff && data[i+1] != 0 && data[i+1] != 0xff {
			return i
		}
	}
	return len(data)
}

// jpegSize reads the size of files that image/jpeg does not support.
func jpegSize(data []byte) (image.Point, error) {
	for {
		marker, body, rest := nextSegment(data)
		switch {
		case marker == 0 || marker == markerSOS:
			return image.Point{}, ErrBad
		case marker >= markerSOF0 && marker <= markerSOF2:
			if len(body) < 6 {
				return image.Point{}, ErrBad
			}
			return frameSize(body), nil
		}
		data = rest
	}
}

func frameSize(body []byte) image.Point {
	return image.Pt(int(binary.BigEndian.Uint16(body[3:])), int(binary.BigEndian.Uint16(body[1:])))
}

// checkSegments refuses truncated files and files with too many scans before a decoder spends time on them. image/jpeg
// decodes CMYK without an Adobe marker completely before it refuses it, so `supported` is false for such files.
func checkSegments(data []byte) (supported bool, err error) {
	scans, isCMYK, byAdobe := 0, false, false
	for {
		marker, body, rest := nextSegment(data)
		switch {
		case marker == 0 || scans > maxScans:
			return false, ErrBad
		case marker == markerEOI:
			return byAdobe || !isCMYK, nil
		case marker >= markerSOF0 && marker <= markerSOF2:
			isCMYK = len(body) > 5 && body[5] == 4
		case marker == markerAPP14:
			byAdobe = byAdobe || bytes.HasPrefix(body, []byte("Adobe"))
		case marker == markerSOS:
			scans++
		}
		data = rest
	}
}

// decodeJPEG decodes files that image/jpeg refuses and libjpeg accepts: with wrong or missing restart markers, with CMYK but
// without an Adobe marker, and with any subsampling.
func decodeJPEG(data []byte, size image.Point) (image.Image, error) {
	p := &jpegPicture{size: size, colours: notByAdobe}
	for scans := 0; ; {
		marker, body, rest := nextSegment(data)
		data = rest
		ok := true
		switch marker {
		case markerSOF0, markerSOF1, markerSOF2:
			ok = p.readFrame(body)
			if p.progressive = marker == markerSOF2; !p.progressive { // as in libjpeg
				p.addStandardTables()
			}
		case markerDHT:
			ok = p.readHuffman(body)
		case markerDQT:
			ok = p.readQuantisation(body)
		case markerDRI:
			if ok = len(body) == 2; ok {
				p.interval = int(binary.BigEndian.Uint16(body))
			}
		case markerAPP0:
			p.jfif = p.jfif || bytes.HasPrefix(body, []byte("JFIF\x00"))
		case markerAPP14:
			if len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")) {
				p.colours = body[11]
			}
		case markerSOS:
			scans++
			data, ok = p.readScan(body, rest)
		case markerEOI:
			if scans == 0 {
				return nil, ErrBad
			}
			p.finish()
			return p, nil
		default:
			ok = marker >= markerRST0 // smaller ones are unsupported encodings
		}
		if !ok {
			return nil, ErrBad
		}
	}
}

// The colour transforms of an Adobe marker.
const (
	unknownColours = 0 // RGB or CMYK
	notByAdobe     = 255
)

// A jpegPicture is an image.RGBA64Image, so that draw.Draw reads it without an allocation per pixel.
type jpegPicture struct {
	size              image.Point
	components        []*component
	maxH, maxV        int // largest sampling factors
	interval          int // in minimum coded units; 0: no restart markers
	quantisation      [4]*[blockSize]uint16
	huffman           [2][4]*huffmanTable // DC and AC
	progressive, jfif bool
	resynchronised    bool // see jpegScan
	colours           byte
}

type component struct {
	id, tableID   byte
	table         *[blockSize]uint16 // for quantisation, as defined before the first scan of the component
	h, v          int                // sampling factors
	columns, rows int                // blocks that contain a part of the picture
	stride        int                // blocks per row, with padding
	samples       []byte
	coefficients  [][blockSize]int16 // of a progressive file
	predictor     int32              // the DC coefficient of the previous block
}

// readFrame accepts 8-bit samples in 1, 3 or 4 components.
func (p *jpegPicture) readFrame(body []byte) bool {
	if p.components != nil || len(body) < 6 || body[0] != 8 || len(body) != 6+3*int(body[5]) {
		return false
	}
	n := int(body[5])
	if n != 1 && n != 3 && n != 4 || frameSize(body) != p.size {
		return false
	}
	for spec := body[6:]; len(spec) > 0; spec = spec[3:] {
		c := &component{id: spec[0], h: int(spec[1] >> 4), v: int(spec[1] & 15), tableID: spec[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tableID > 3 {
			return false
		}
		if n == 1 {
			c.h, c.v = 1, 1 // the factors of one component have no meaning
		}
		p.maxH, p.maxV = max(p.maxH, c.h), max(p.maxV, c.v)
		p.components = append(p.components, c)
	}
	units := p.units()
	for _, c := range p.components {
		c.columns = ceil(ceil(p.size.X*c.h, p.maxH), 8)
		c.rows = ceil(ceil(p.size.Y*c.v, p.maxV), 8)
		c.stride = units.X * c.h
		// Grey, which libjpeg shows where data is missing.
		c.samples = bytes.Repeat([]byte{128}, blockSize*c.stride*units.Y*c.v)
	}
	return true
}

func ceil(a, b int) int { return (a + b - 1) / b }

// units returns the number of minimum coded units of an interleaved scan.
func (p *jpegPicture) units() image.Point {
	return image.Pt(ceil(p.size.X, 8*p.maxH), ceil(p.size.Y, 8*p.maxV))
}

func (p *jpegPicture) readQuantisation(body []byte) bool {
	for len(body) > 0 {
		wide, id := body[0]>>4, body[0]&15
		body = body[1:]
		size := blockSize * (1 + int(wide))
		if wide > 1 || id > 3 || len(body) < size {
			return false
		}
		table := &[blockSize]uint16{}
		for i, at := range zigzag {
			if wide == 1 {
				table[at] = binary.BigEndian.Uint16(body[2*i:])
			} else {
				table[at] = uint16(body[i])
			}
		}
		p.quantisation[id], body = table, body[size:]
	}
	return true
}

// finish converts the coefficients of a progressive file to samples.
func (p *jpegPicture) finish() {
	for _, c := range p.components {
		for i := range c.coefficients {
			p.writeBlock(c, &c.coefficients[i], i)
		}
	}
}

func (p *jpegPicture) writeBlock(c *component, coefficients *[blockSize]int16, i int) {
	start := i/c.stride*c.stride*blockSize + i%c.stride*8
	inverseDCT(coefficients, c.table, c.samples[start:], 8*c.stride)
}

func (p *jpegPicture) ColorModel() color.Model { return color.RGBAModel }

func (p *jpegPicture) Bounds() image.Rectangle { return image.Rectangle{Max: p.size} }

func (p *jpegPicture) At(x, y int) color.Color { return p.RGBA64At(x, y) }

// RGBA64At interprets the components as libjpeg and Chromium do.
func (p *jpegPicture) RGBA64At(x, y int) color.RGBA64 {
	var s [4]uint8
	for i, c := range p.components {
		s[i] = c.samples[y*c.v/p.maxV*8*c.stride+x*c.h/p.maxH]
	}
	r, g, b := s[0], s[1], s[2]
	switch {
	case len(p.components) == 1:
		g, b = r, r
	case len(p.components) == 3 && !p.isRGB():
		r, g, b = color.YCbCrToRGB(s[0], s[1], s[2])
	case len(p.components) == 4:
		if p.colours != unknownColours && p.colours != notByAdobe {
			r, g, b = color.YCbCrToRGB(s[0], s[1], s[2])
			r, g, b = 255-r, 255-g, 255-b
		}
		// 255 means no ink, with and without an Adobe marker, as in Chromium's JPEGImageDecoder.
		r, g, b = darken(r, s[3]), darken(g, s[3]), darken(b, s[3])
	}
	const opaque = 0xffff
	return color.RGBA64{uint16(r) * 0x101, uint16(g) * 0x101, uint16(b) * 0x101, opaque}
}

func (p *jpegPicture) isRGB() bool {
	c := p.components
	named := c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
	return !p.jfif && (p.colours == unknownColours || p.colours == notByAdobe && named)
}

func darken(ink, black uint8) uint8 { return uint8(int(ink) * int(black) / 255) }
