package photo

// readFirst reads all coefficients of a sequential file, or the first scan of a band of a progressive file.
func (s *jpegScan) readFirst(c *component, block *[blockSize]int16) {
	k := s.start
	if k == 0 {
		length := s.symbol(s.dc)
		if length > 15 {
			s.fail()
			return
		}
		c.predictor += s.readSigned(length)
		block[0] = int16(c.predictor << s.low)
		k++
	}
	if s.bandEnd > 0 {
		s.bandEnd--
		return
	}
	for ; k <= s.end; k++ {
		symbol := s.symbol(s.ac)
		run, length := symbol>>4, symbol&15
		if length == 0 && run < 15 {
			s.bandEnd = 1<<run + int(s.read(run)) - 1
			return
		}
		k += run
		if length == 0 {
			continue
		}
		if k > s.end {
			s.fail()
			return
		}
		block[zigzag[k]] = int16(s.readSigned(length) << s.low)
	}
}

// refine reads one more bit of each coefficient of a band (ITU-T T.81, G.1.2.3).
func (s *jpegScan) refine(block *[blockSize]int16) {
	bit := int16(1) << s.low
	k := s.start
	for s.bandEnd == 0 && k <= s.end {
		symbol := s.symbol(s.ac)
		run, length := symbol>>4, symbol&15
		var value int16
		if length > 0 {
			value = bit
			if s.read(1) == 0 {
				value = -bit
			}
		} else if run < 15 {
			s.bandEnd = 1<<run + int(s.read(run))
			break
		}
		k = s.refineNonZero(block, k, run, bit)
		if value != 0 {
			if k > s.end {
				s.fail()
				return
			}
			block[zigzag[k]] = value
		}
		k++
	}
	if s.bandEnd > 0 {
		s.refineNonZero(block, k, blockSize, bit)
		s.bandEnd--
	}
}

// refineNonZero returns the position after `zeros` coefficients that are zero.
func (s *jpegScan) refineNonZero(block *[blockSize]int16, k, zeros int, bit int16) int {
	for ; k <= s.end; k++ {
		c := &block[zigzag[k]]
		switch {
		case *c == 0:
			if zeros == 0 {
				return k
			}
			zeros--
		case s.read(1) == 0:
		case *c > 0:
			*c += bit
		default:
			*c -= bit
		}
	}
	return k
}
