package photo

import "math"

// zigzag maps the order of the coefficients in a file to row by row (ITU-T T.81, figure A.6).
var zigzag = [blockSize]int{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}

// cosines contains the factors of the inverse DCT (ITU-T T.81, A.3.3) by position and frequency.
var cosines = func() (factors [8][8]float32) {
	for x := range factors {
		for u := range factors[x] {
			factors[x][u] = float32(math.Cos(float64((2*x+1)*u)*math.Pi/16) / 2)
		}
		factors[x][0] /= math.Sqrt2
	}
	return factors
}()

// inverseDCT writes 8 × 8 samples.
func inverseDCT(coefficients *[blockSize]int16, quantisation *[blockSize]uint16, to []byte, stride int) {
	var rows [8][8]float32 // by vertical frequency
	for v := range rows {
		for u := range 8 {
			c := coefficients[8*v+u]
			if c == 0 { // most are
				continue
			}
			value := float32(c) * float32(quantisation[8*v+u])
			for x := range rows[v] {
				rows[v][x] += value * cosines[x][u]
			}
		}
	}
	for y := range rows {
		for x := range rows {
			const middle = 128
			sum := float32(middle + 0.5) // rounds
			for v := range rows {
				sum += rows[v][x] * cosines[y][v]
			}
			to[y*stride+x] = byte(min(max(sum, 0), 255))
		}
	}
}
