package keystore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/secp256k1"
)

// An Algorithm is a kind of key. The values are those of the file format and
// do not change; the zero Algorithm is none.
type Algorithm uint8

// The algorithms.
const (
	Ed25519   Algorithm = 1 + iota // RFC 8032: software keys and many secure elements
	P256                           // FIPS 186-5: every TPM 2.0 and most secure elements
	P384                           // FIPS 186-5
	Secp256k1                      // SEC 2: the keys of most ledgers
)

var algorithmNames = [...]string{Ed25519: "Ed25519", P256: "P-256", P384: "P-384", Secp256k1: "secp256k1"}

// String returns the usual name of the algorithm, such as "P-256".
func (a Algorithm) String() string {
	if a.known() {
		return algorithmNames[a]
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// ParseAlgorithm returns the algorithm with the given name, as String has it.
func ParseAlgorithm(name string) (Algorithm, error) {
	for a := Ed25519; a.known(); a++ {
		if algorithmNames[a] == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("keystore: %w %q: want one of %q", ErrAlgorithm, name, algorithmNames[1:])
}

func (a Algorithm) known() bool { return a >= Ed25519 && a <= Secp256k1 }

// secretSize is the length of the secret in bytes: the seed of Ed25519
// (RFC 8032 §5.1.5), else the scalar, big-endian (SEC 1 §2.3.7).
func (a Algorithm) secretSize() int {
	if a == P384 {
		return 48
	}
	return 32
}

// publicSize is the length of the encoded public key in bytes: 32 for Ed25519
// (RFC 8032 §5.1.2), else the uncompressed point 4 ‖ x ‖ y (SEC 1 §2.3.3).
func (a Algorithm) publicSize() int {
	if a == Ed25519 {
		return ed25519.PublicKeySize
	}
	return 1 + 2*a.secretSize()
}

// parsePublic reads an encoded public key of publicSize bytes. A point must be
// on its curve; whether an Ed25519 key is one, only a signature check finds out.
func (a Algorithm) parsePublic(b []byte) (crypto.PublicKey, error) {
	switch {
	case a == Ed25519:
		return ed25519.PublicKey(b), nil
	case a == P256:
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	case a == P384:
		return ecdsa.ParseUncompressedPublicKey(elliptic.P384(), b)
	}
	return secp256k1.ParsePoint(b)
}

// algorithmOf returns the algorithm of a public key, or zero.
func algorithmOf(pub crypto.PublicKey) Algorithm {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return Ed25519
	case *ecdsa.PublicKey:
		if secp256k1.Is(k.Curve) {
			return Secp256k1
		}
		switch k.Curve {
		case elliptic.P256():
			return P256
		case elliptic.P384():
			return P384
		}
	}
	return 0
}
