package photo

import "slices"

// A jpegScan reads the entropy-coded data of a scan.
type jpegScan struct {
	data           []byte // unread
	buffer         uint32
	bits           int  // in buffer
	padding        int  // zero bits after the end of the data; libjpeg appends them too
	skipping       bool // until the next restart marker
	damaged        bool
	resynchronised bool // at a wrong restart marker, in this scan or an earlier one

	dc, ac     *huffmanTable
	start, end int // of the coefficients, in zigzag order
	high, low  int // bits, of the successive approximation
	bandEnd    int // number of blocks without other coefficients (EOBRUN)
}

func (s *jpegScan) isExhausted() bool { return s.bits < s.padding }

func (s *jpegScan) fill() {
	for s.bits <= 24 {
		var next byte
		if len(s.data) > 0 && (s.data[0] != 0xff || len(s.data) > 1 && s.data[1] == 0) {
			next = s.data[0]
			s.data = s.data[1:]
			if next == 0xff {
				s.data = s.data[1:]
			}
		} else {
			s.padding += 8
		}
		s.buffer = s.buffer<<8 | uint32(next)
		s.bits += 8
	}
}

// read returns at most 16 bits.
func (s *jpegScan) read(n int) int32 {
	if s.bits < n {
		s.fill()
	}
	s.bits -= n
	return int32(s.buffer >> s.bits & (1<<n - 1))
}

// readSigned implements the function EXTEND of ITU-T T.81.
func (s *jpegScan) readSigned(n int) int32 {
	value := s.read(n)
	if n > 0 && value < 1<<(n-1) {
		value += 1 - 1<<n
	}
	return value
}

// fail handles an invalid code. After a wrong restart marker, later data may belong to another interval, so the code only
// ends the interval. Without one, the file is damaged.
func (s *jpegScan) fail() {
	if s.resynchronised {
		s.skipping = true
	} else {
		s.damaged = true
	}
}

// restart reads the next restart marker, like jpeg_resync_to_restart of libjpeg-turbo (jdmarker.c): a marker that should
// come one or two markers later means that data is missing, and a marker that should have come earlier is skipped.
// Unlike libjpeg, it refuses an interval whose data is truncated, unless a marker was wrong before, and a scan that ends
// before its last interval. Only the marker of the last interval may be missing.
func (s *jpegScan) restart(number int, last bool) {
	exhausted := s.isExhausted()
	hasData := s.bits-s.padding >= 8
	s.bits, s.padding, s.skipping, s.bandEnd = 0, 0, false, 0
	for {
		next := markerIndex(s.data)
		hasData = hasData || next > 0
		s.data = s.data[next:]
		if len(s.data) == 0 {
			s.damaged = true
			return
		}
		marker := s.data[1]
		if marker < markerRST0 || marker > markerRST7 {
			if last && hasData {
				s.skipping, s.resynchronised = true, true
			} else {
				s.damaged = true
			}
			return
		}
		distance := (int(marker-markerRST0) - number) & 7
		s.resynchronised = s.resynchronised || distance != 0
		switch distance {
		case 1, 2:
			s.skipping = true
			return
		case 6, 7:
			s.data = s.data[2:]
		default:
			s.data = s.data[2:]
			s.damaged = exhausted && !s.resynchronised
			return
		}
	}
}

// A scanPart is a component in a scan.
type scanPart struct {
	*component
	dcTable, acTable *huffmanTable
}

// readScan returns what follows the scan.
func (p *jpegPicture) readScan(header, data []byte) (rest []byte, ok bool) {
	if len(header) < 1 || len(header) != 4+2*int(header[0]) || p.components == nil {
		return nil, false
	}
	components, spectrum := header[1:len(header)-3], header[len(header)-3:]
	parts, ok := p.scanParts(components)
	if !ok {
		return nil, false
	}
	s := &jpegScan{data: data, end: blockSize - 1, resynchronised: p.resynchronised}
	if p.progressive && !s.selectCoefficients(spectrum, len(parts)) || !p.prepare(parts, s) || !p.readUnits(s, parts) {
		return nil, false
	}
	p.resynchronised = s.resynchronised
	return s.data, s.resynchronised || !s.isExhausted()
}

func (p *jpegPicture) scanParts(specs []byte) (parts []scanPart, ok bool) {
	count, blocks := len(specs)/2, 0
	for spec := range slices.Chunk(specs, 2) {
		for _, c := range p.components {
			if slices.ContainsFunc(parts, func(earlier scanPart) bool { return earlier.component == c }) {
				continue // like libjpeg, if components have equal IDs
			}
			if dc, ac := spec[1]>>4, spec[1]&15; c.id == spec[0] && dc < 4 && ac < 4 {
				c.predictor = 0
				parts = append(parts, scanPart{c, p.huffman[0][dc], p.huffman[1][ac]})
				blocks += c.h * c.v
				break
			}
		}
	}
	return parts, count > 0 && len(parts) == count && (count == 1 || blocks <= 10) // ITU-T T.81, B.2.3
}

// selectCoefficients reads the parameters of a progressive scan.
func (s *jpegScan) selectCoefficients(spectrum []byte, parts int) (ok bool) {
	s.start, s.end, s.high, s.low = int(spectrum[0]), int(spectrum[1]), int(spectrum[2]>>4), int(spectrum[2]&15)
	return s.start <= s.end && s.end < blockSize && s.low <= 13 && (s.start > 0 || s.end == 0) && (s.start == 0 || parts == 1)
}

// prepare assigns the quantisation tables and allocates the coefficients of a progressive picture. It fails if a table is missing.
func (p *jpegPicture) prepare(parts []scanPart, s *jpegScan) (ok bool) {
	for _, c := range parts {
		if c.table == nil {
			c.table = p.quantisation[c.tableID]
		}
		if c.table == nil || s.start == 0 && s.high == 0 && c.dcTable == nil || s.end > 0 && c.acTable == nil {
			return false
		}
		if p.progressive && c.coefficients == nil {
			c.coefficients = make([][blockSize]int16, len(c.samples)/blockSize)
		}
	}
	return true
}

func (p *jpegPicture) readUnits(s *jpegScan, parts []scanPart) (ok bool) {
	units := p.units()
	if len(parts) == 1 {
		units.X, units.Y = parts[0].columns, parts[0].rows
	}
	total := units.X * units.Y
	for unit := range total {
		if p.interval > 0 && unit > 0 && unit%p.interval == 0 {
			s.restart((unit/p.interval-1)%8, unit+p.interval >= total)
			for _, c := range parts {
				c.predictor = 0
			}
		}
		for _, c := range parts {
			h, v := c.h, c.v
			if len(parts) == 1 {
				h, v = 1, 1
			}
			s.dc, s.ac = c.dcTable, c.acTable
			for i := range h * v {
				if s.skipping || s.isExhausted() {
					break
				}
				p.readBlock(s, c.component, (unit/units.X*v+i/h)*c.stride+unit%units.X*h+i%h)
			}
			if s.damaged {
				return false
			}
		}
	}
	return true
}

func (p *jpegPicture) readBlock(s *jpegScan, c *component, at int) {
	if !p.progressive {
		var block [blockSize]int16
		s.readFirst(c, &block)
		p.writeBlock(c, &block, at)
		return
	}
	block := &c.coefficients[at]
	switch {
	case s.high == 0:
		s.readFirst(c, block)
	case s.start == 0:
		block[0] |= int16(s.read(1) << s.low)
	default:
		s.refine(block)
	}
}
