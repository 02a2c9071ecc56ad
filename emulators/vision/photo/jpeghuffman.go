package photo

type huffmanTable struct {
	limit   [17]int32 // the first code after those of a length
	values  []byte
	shifted [17]int32 // index in values of a code of a length, minus the code
}

func (p *jpegPicture) readHuffman(body []byte) bool {
	for len(body) >= 17 {
		class, id := body[0]>>4, body[0]&15
		table := &huffmanTable{}
		var code, index int32
		for length := 1; length <= 16; length++ {
			count := int32(body[length])
			table.shifted[length] = index - code
			code, index = code+count, index+count
			table.limit[length] = code
			code <<= 1
		}
		body = body[17:]
		if class > 1 || id > 3 || int(index) > len(body) {
			return false
		}
		table.values, body = body[:index], body[index:]
		p.huffman[class][id] = table
	}
	return len(body) == 0
}

func (s *jpegScan) symbol(table *huffmanTable) int {
	if s.bits < 16 {
		s.fill()
	}
	for length := 1; length <= 16; length++ {
		code := int32(s.buffer >> (s.bits - length) & (1<<length - 1))
		if code < table.limit[length] {
			s.bits -= length
			return int(table.values[code+table.shifted[length]])
		}
	}
	s.fail()
	return 0
}
