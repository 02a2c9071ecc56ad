package photo

import "encoding/hex"

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

// standardTables is the body of a DHT segment with the tables of ITU-T T.81, section K.3.
const standardTables = "" +
	"0000010501010101010100000000000000000102030405060708090a0b" +
	"100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16171819" +
	"1a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a929394959697" +
	"98999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa" +
	"0100030101010101010101010000000000000102030405060708090a0b" +
	"1100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f1" +
	"1718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495" +
	"969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"

// addStandardTables lets frames of Motion JPEG be decoded, which have no tables. Like libjpeg, it keeps tables that were
// read before.
func (p *jpegPicture) addStandardTables() {
	body, _ := hex.DecodeString(standardTables)
	standard := &jpegPicture{}
	standard.readHuffman(body)
	for class, tables := range standard.huffman {
		for id, table := range tables {
			if p.huffman[class][id] == nil {
				p.huffman[class][id] = table
			}
		}
	}
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
