package rsakey

import "errors"

// ErrLeftOut says that this program was built without RSA keys. It is returned by builds
// with the tag norsa only.
var ErrLeftOut = errors.New("rsakey: left out of this program: build it without the tag norsa")

// MaxPKCS1 is the length of the longest key in DER, in bytes: a modulus of MaxBits and a
// public exponent of four bytes, with their headers.
const MaxPKCS1 = 4 + (4 + 1 + MaxBits/8) + (2 + 4)

// Sizes of the modulus in bits.
const (
	MinBits = 2048 // 112 bits of security, the least that NIST SP 800-57 part 1 §5.6 still allows
	MaxBits = 8192 // a check of a signature takes time quadratic in it; nobody uses longer keys
)
