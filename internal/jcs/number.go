package jcs

import (
	"bytes"
	"math"
	"strconv"
)

// appendLiteral appends the canonical form of a number literal that strictjson has accepted. Without
// fraction and exponent it is an integer within 2^53, and canonical as it stands unless it is -0.
func appendLiteral(dst []byte, literal string) []byte {
	integer := literal != "-0"
	for i := 0; i < len(literal) && integer; i++ {
		integer = literal[i] != '.' && literal[i] <= '9'
	}
	if integer {
		return append(dst, literal...)
	}
	f, _ := strconv.ParseFloat(literal, 64)
	return AppendNumber(dst, f)
}

// AppendNumber appends f as ECMAScript's Number::toString(f, 10) writes it (RFC 8785 §3.2.2.3):
// the shortest digits that read back as f, plain from 1e-6 up to 1e21 and with an exponent
// outside. Zero is 0 whatever its sign. JSON has no NaN and no infinity: they append null, as
// JSON.stringify writes them.
func AppendNumber(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case f == 0:
		return append(dst, '0')
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	case 1e-6 <= abs && abs < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// strconv writes at least two digits of exponent, ECMAScript no leading zero: 1e-07 is 1e-7.
	if e := start + bytes.IndexByte(dst[start:], 'e') + len("e-"); dst[e] == '0' {
		dst = append(dst[:e], dst[e+1:]...)
	}
	return dst
}
