package eval

import (
	"math/bits"
	"math/rand/v2"
)

// million is certain, in parts per million.
const million = 1_000_000

// draws is a stream of random numbers that is the same on every architecture and with every
// release of Go: PCG-DXSM as math/rand/v2 documents it, and integers from there on.
type draws struct{ source *rand.PCG }

// newDraws returns the stream of a seed and a purpose. Streams of different purposes are
// independent, so that one more attacker does not change who the machines are.
func newDraws(seed, purpose uint64) draws { return draws{rand.NewPCG(seed, purpose)} }

// below returns an integer of 0..n-1. Its bias is below n/2^64.
func (d draws) below(n int) int {
	hi, _ := bits.Mul64(d.source.Uint64(), uint64(n))
	return int(hi)
}

// between returns an integer of low..high.
func (d draws) between(low, high int) int { return low + d.below(high-low+1) }

// chance is true with a probability of so many parts per million.
func (d draws) chance(ppm int) bool { return d.below(million) < ppm }

// trials bounds what one call of count can give: count is binomial, and this many trials
// for each expected event are close to Poisson.
const trials = 16

// count returns how many of independent rare events happen of which so many millionths are
// expected: 16 trials for each one that is expected or begun.
func (d draws) count(ppm int) (n int) {
	if ppm <= 0 {
		return 0
	}
	tries := trials * (ppm/million + 1)
	for range tries {
		if d.chance(ppm / tries) {
			n++
		}
	}
	return n
}

// shuffle returns 0..n-1 in random order.
func (d draws) shuffle(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := d.below(i + 1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}
