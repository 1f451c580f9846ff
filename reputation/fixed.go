package reputation

import (
	"math/bits"
	"sync"
)

// Numbers are binary fixed point: an integer x stands for x / 2^32 ("Q32").
// Weights and probabilities lie in 0..one, so the same format is called Q0.32
// where that is known. Tables carry 62 fraction bits. Every product goes through
// 128 bits, and every result is rounded towards minus infinity, so that no
// compiler, word size or fused multiply-add can change a bit.

const (
	fraction = 32                 // fraction bits of Q32
	one      = 1 << fraction      // 1.0 in Q32
	one62    = 1 << 62            // 1.0 in Q0.62
	ln2      = 0x2c5c85fdf473de6a // ln 2 in Q0.62, rounded down; a test recomputes it
	log2e    = 0x5c551d94ae0bf85d // log2 e in Q2.62, rounded down; likewise
	million  = 1_000_000          // parts per million
)

// floorDiv is ⌊a/b⌋ for b > 0: -7/2 is -4, where Go's / gives -3.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// mulDiv is ⌊a·b/c⌋ through 128 bits. The quotient must fit: a·b < c·2^64.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, _ := bits.Div64(hi, lo, c)
	return q
}

// mul is ⌊a·b⌋ of two Q32 numbers. The product must be below 2^32.
func mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi<<(64-fraction) | lo>>fraction
}

// mul62 is ⌊a·b⌋ of two Q62 numbers. The product must be below 4.
func mul62(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi<<2 | lo>>62
}

// times is ⌊a·b⌋ of a signed Q32 number and a non-negative Q62 number below 4.
func times(a int64, b uint64) int64 {
	if a >= 0 {
		return int64(mul62(uint64(a), b))
	}
	hi, lo := bits.Mul64(uint64(-a), b)
	q := int64(hi<<2 | lo>>62)
	if lo<<2 != 0 {
		q++ // towards minus infinity
	}
	return -q
}

// sqrt is ⌊√x⌋, exactly. So if x is Q0.64 the result is the root in Q0.32.
func sqrt(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	// Newton's iteration falls monotonically from any start at or above the root.
	r := uint64(1) << ((bits.Len64(x) + 1) / 2)
	if r == 1<<32 {
		r-- // (2^32-1)² is the largest square below 2^64
	}
	for {
		next := (r + x/r) / 2
		if next >= r {
			return r
		}
		r = next
	}
}

// A tableSet holds the two tables from which logarithms and powers are made.
type tableSet struct {
	log2 [256]uint64 // log2(1 + k/256), Q0.62
	exp2 [256]uint64 // 2^(-k/256), Q1.62
}

// tables makes the tables by integer recurrences when first used. A test
// recomputes them with math/big and pins their digest.
var tables = sync.OnceValue(func() *tableSet {
	t := new(tableSet)
	for k := range uint64(256) {
		// The bits of log2 m, 1 <= m < 2, come out one by one: square m, and if it
		// reaches 2 the bit is 1 and m is halved. m is held in 128 bits (Q1.127),
		// because each squaring doubles the relative error of the one before.
		hi, lo := (256+k)<<55, uint64(0)
		var log uint64
		for range 62 {
			hi, lo = square(hi, lo)
			log <<= 1
			if hi>>63 == 1 { // m² >= 2, in Q2.126
				log |= 1
			} else {
				hi, lo = hi<<1|lo>>63, lo<<1
			}
		}
		t.log2[k] = log
	}
	// 2^(-k/256) is the product of those roots of 1/2 that k's bits name.
	var roots [8]uint64 // 2^(-1/2), 2^(-1/4), … 2^(-1/256) in Q0.64
	root := uint64(1) << 63
	for i := range roots {
		root = sqrt128(root)
		roots[i] = root
	}
	for k := range 256 {
		// From the top: multiply in Q0.64, round to Q1.62 once.
		if k == 0 {
			t.exp2[0] = one62
			continue
		}
		var p uint64
		for i := range roots {
			if k>>(7-i)&1 == 0 {
				continue
			}
			if p == 0 {
				p = roots[i]
			} else {
				p, _ = bits.Mul64(p, roots[i])
			}
		}
		t.exp2[k] = p >> 2
	}
	return t
})

// square squares a Q1.127 number; the result is Q2.126, rounded down.
func square(hi, lo uint64) (uint64, uint64) {
	h1, h0 := bits.Mul64(hi, hi)
	m1, m0 := bits.Mul64(hi, lo) // counted twice
	l1, _ := bits.Mul64(lo, lo)
	top := m1 >> 63
	m1, m0 = m1<<1|m0>>63, m0<<1
	_, c := bits.Add64(l1, m0, 0)
	h0, c = bits.Add64(h0, m1, c)
	h1, _ = bits.Add64(h1, top, c)
	return h1, h0
}

// sqrt128 is ⌊√(x·2^64)⌋: the root of a Q0.64 number in Q0.64.
func sqrt128(x uint64) uint64 {
	var r uint64
	for bit := uint64(1) << 63; bit != 0; bit >>= 1 {
		try := r | bit
		if hi, lo := bits.Mul64(try, try); hi < x || hi == x && lo == 0 {
			r = try
		}
	}
	return r
}

// log2 is the binary logarithm of a Q32 number x > 0, in Q32. It is never above
// the true value, and below it by less than 2 units of the last place (2^-31).
func log2(x uint64) int64 {
	lead := bits.LeadingZeros64(x)
	m := x << lead // 1 <= m < 2 in Q1.63
	k := m << 1 >> 56
	base := (256 + k) << 55
	// m = base·(1+d), 0 <= d < 2^-8, d in Q0.62.
	d := mulDiv(m-base, one62, base)
	// ln(1+d) = d - d²/2 + d³/3 - d⁴/4, short by at most d⁵/5 < 2^-42.
	d2 := mul62(d, d)
	d3 := mul62(d2, d)
	d4 := mul62(d3, d)
	lnd := d - d2/2 + d3/3 - d4/4
	log := tables().log2[k] + mul62(lnd, log2e) // Q0.62, below one62
	return int64(31-lead)<<fraction + int64(log>>30)
}

// ln is the natural logarithm of a Q32 number x > 0, in Q32: below the true
// value by less than 3 units of the last place.
func ln(x uint64) int64 { return times(log2(x), ln2) }

// exp2neg is 2^(-y) for a Q32 number y >= 0, in Q1.62: within 2^-48 of the true value.
func exp2neg(y uint64) uint64 {
	shift := y >> fraction
	if shift > 62 {
		return 0
	}
	k := y >> (fraction - 8) & 0xff
	// z = ln 2 times what the table leaves over: below 2^-8. 2^-z by its series,
	// wrong by at most z⁵/120 < 2^-49.
	z := mul62(y<<(64-fraction+8)>>(8+2), ln2)
	z2 := mul62(z, z)
	z3 := mul62(z2, z)
	z4 := mul62(z3, z)
	rest := one62 - z + z2/2 - z3/6 + z4/24
	return mul62(tables().exp2[k], rest) >> shift
}

// decay is 2^(-age/half) in Q0.32, rounded down: what a statement still weighs
// after age windows. It is 0 from 32·half on.
func decay(age, half uint64) uint64 {
	if age >= 32*half {
		return 0
	}
	return exp2neg(age<<fraction/half) >> (62 - fraction)
}

// certainty turns log-odds (Q32, natural logarithm) into c = 2·σ(odds) - 1, which
// is tanh(odds/2), in -one..one. It is odd: certainty(-x) is -certainty(x), rounded
// towards zero on both sides, within 2 units of the last place of the true value.
func certainty(odds int64) int64 {
	if odds < 0 {
		return -certainty(-odds)
	}
	e := exp2neg(mul62(uint64(odds), log2e)) // e^-odds
	return int64(mulDiv(one62-e, one, one62+e))
}

// probability turns binary log-odds (Q32) into a probability, Q0.32: within
// 1 unit of the last place of the true value.
func probability(odds int64) uint64 {
	if odds < 0 {
		e := exp2neg(uint64(-odds))
		return mulDiv(e, one, one62+e)
	}
	return mulDiv(one62, one, one62+exp2neg(uint64(odds)))
}

// log2odds is log2(p/(1-p)) in Q32. p is Q0.32, strictly between 0 and one.
func log2odds(p uint64) int64 { return log2(p) - log2(one-p) }
