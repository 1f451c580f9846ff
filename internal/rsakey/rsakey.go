//go:build !norsa

// Package rsakey reads RSA public keys that others made. It is all that this module asks of
// RSA, in one place, because crypto/rsa takes 20 kB of a program even if nobody calls it:
// firmware built with the tag norsa leaves it out, and answers [ErrLeftOut] instead.
//
// Every key has one encoding, and those are refused for which a signature proves little: a
// modulus of less than [MinBits] or more than [MaxBits], an even one, and public exponents
// that are even, below 65537 or above what crypto/rsa takes (FIPS 186-5 §A.1.1).
//
// The danger: whether a modulus is the product of two secret primes, nobody can see.
package rsakey

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Parse reads a key from its two numbers, big-endian, without leading zeros (RFC 7518 §6.3.1).
func Parse(n, e []byte) (crypto.PublicKey, error) {
	if len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 {
		return nil, errors.New("rsakey: a number that is empty or has leading zeros")
	}
	if len(n) > MaxBits/8 {
		return nil, fmt.Errorf("rsakey: a modulus of %d bytes: at most %d bits are read", len(n), MaxBits)
	}
	modulus := new(big.Int).SetBytes(n)
	if bits := modulus.BitLen(); bits < MinBits {
		return nil, fmt.Errorf("rsakey: a modulus of %d bits: at least %d are wanted", bits, MinBits)
	}
	if modulus.Bit(0) == 0 {
		return nil, errors.New("rsakey: an even modulus")
	}
	exponent := 0
	for _, b := range e[:min(len(e), 4)] {
		exponent = exponent<<8 | int(b)
	}
	if len(e) > 4 || exponent < 65537 || exponent > 1<<31-1 || exponent&1 == 0 {
		return nil, errors.New("rsakey: the public exponent is not an odd number from 65537 to 2^31-1")
	}
	return &rsa.PublicKey{N: modulus, E: exponent}, nil
}

// ParsePKCS1 reads an RSAPublicKey (RFC 8017 §A.1.1) in DER.
func ParsePKCS1(der []byte) (crypto.PublicKey, error) {
	var sequence cryptobyte.String
	var n, e big.Int
	if in := cryptobyte.String(der); len(der) > MaxPKCS1 || !in.ReadASN1(&sequence, asn1.SEQUENCE) || !in.Empty() ||
		!sequence.ReadASN1Integer(&n) || !sequence.ReadASN1Integer(&e) || !sequence.Empty() || n.Sign() <= 0 || e.Sign() <= 0 {
		return nil, errors.New("rsakey: not an RSAPublicKey in DER")
	}
	return Parse(n.Bytes(), e.Bytes())
}

// Numbers returns what [Parse] reads, if pub is an RSA key that it would read.
func Numbers(pub crypto.PublicKey) (n, e []byte, ok bool) {
	k, ok := pub.(*rsa.PublicKey)
	if !ok || k == nil || k.N == nil || k.N.Sign() < 0 || k.E < 0 {
		return nil, nil, false
	}
	n, e = k.N.Bytes(), big.NewInt(int64(k.E)).Bytes()
	_, err := Parse(n, e)
	return n, e, err == nil
}

// PKCS1 returns what [ParsePKCS1] reads, if pub is an RSA key that it would read.
func PKCS1(pub crypto.PublicKey) (der []byte, ok bool) {
	n, e, ok := Numbers(pub)
	if !ok {
		return nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(n))
		b.AddASN1BigInt(new(big.Int).SetBytes(e))
	})
	der, err := b.Bytes()
	return der, err == nil
}
