// Package cbor reads and writes CBOR (RFC 8949) that somebody signs: definite lengths, shortest
// heads, UTF-8, finite numbers, no name twice, so that what was read has one encoding only.
//
// [Reader] goes through a text item by item and allocates nothing that the text's claims of its
// own lengths could make large. Append… write. There is no tree and no reflection: a device that
// signs five claims carries a few kilobytes of this.
//
// The order of a map's keys is left to whoever reads it: RFC 9052 lets headers come in any. Who
// needs one encoding for one document writes what was read again, and compares.
package cbor

import (
	"encoding/binary"
	"math"
)

// Kind is the kind of a data item.
type Kind byte

// The kinds, in the order of the major types (RFC 8949 §3.1).
const (
	Uint Kind = iota
	Nint
	Bytes
	Text
	Array
	Map
	Tag
	False
	True
	Null
	Float
)

// String returns the kind as error messages name it.
func (k Kind) String() string {
	names := [...]string{"an integer", "an integer", "a byte string", "text", "an array", "a map", "a tag", "a boolean", "a boolean", "null", "a fraction"}
	if int(k) < len(names) {
		return names[k]
	}
	return "nothing"
}

// head appends a major type and its argument in the fewest bytes (RFC 8949 §4.2.1).
func head(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return head(dst, 1, uint64(^n))
	}
	return head(dst, 0, uint64(n))
}

// AppendBytes appends a byte string.
func AppendBytes(dst, b []byte) []byte { return append(head(dst, 2, uint64(len(b))), b...) }

// AppendText appends a text string, which must be UTF-8.
func AppendText(dst []byte, s string) []byte { return append(head(dst, 3, uint64(len(s))), s...) }

// AppendArray appends the head of an array: n items have to follow.
func AppendArray(dst []byte, n int) []byte { return head(dst, 4, uint64(n)) }

// AppendMap appends the head of a map: n keys, each with its value behind it, have to follow.
func AppendMap(dst []byte, n int) []byte { return head(dst, 5, uint64(n)) }

// AppendTag appends a tag: one item has to follow.
func AppendTag(dst []byte, n uint64) []byte { return head(dst, 6, n) }

// AppendBool appends false or true.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 0xf5)
	}
	return append(dst, 0xf4)
}

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, 0xf6) }

// AppendFloat appends a finite number in the shortest of the three floating-point forms that holds
// it exactly (RFC 8949 §4.2.1).
func AppendFloat(dst []byte, f float64) []byte {
	if half, ok := toHalf(f); ok {
		return binary.BigEndian.AppendUint16(append(dst, 0xf9), half)
	}
	if single := float32(f); float64(single) == f {
		return binary.BigEndian.AppendUint32(append(dst, 0xfa), math.Float32bits(single))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xfb), math.Float64bits(f))
}

// toHalf returns f as IEEE 754 binary16, if it is one: 11 bits of significand, the lowest worth at
// least 2^-24.
func toHalf(f float64) (uint16, bool) {
	sign := uint16(math.Float64bits(f) >> 48 & 0x8000)
	abs := math.Abs(f)
	if abs == 0 {
		return sign, true
	}
	_, exponent := math.Frexp(abs) // abs = 0.1… × 2^exponent
	unit := max(exponent-11, -24)
	scaled := math.Ldexp(abs, -unit)
	if abs > 65504 || scaled != math.Trunc(scaled) {
		return 0, false
	}
	n := uint16(scaled) // below 2^11; below 2^10 it is subnormal, with the exponent 0
	if n < 1<<10 {
		return sign | n, true
	}
	return sign | uint16(unit+25)<<10 | n&(1<<10-1), true
}

// fromHalf returns the value of a binary16 (RFC 8949, appendix D).
func fromHalf(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&(1<<10-1))
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1<<10, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -f
	}
	return f
}
