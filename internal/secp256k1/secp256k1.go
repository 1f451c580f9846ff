//go:build !nosecp256k1

// Package secp256k1 is all that this module asks of the curve of that name:
// points in, points out, signatures. It is decred's library behind the types of
// crypto/ecdsa, in one place, because that library carries a table of 0.7 MB
// that a device without such keys need not have: firmware built with the tag
// nosecp256k1 leaves it out, and answers [ErrLeftOut] instead.
package secp256k1

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// Is reports whether c is this curve. It goes by the type: what computes on an
// [elliptic.Curve] is deprecated, and nothing here does.
func Is(c elliptic.Curve) bool {
	_, ok := c.(*secp256k1.KoblitzCurve)
	return ok
}

// ParsePoint reads a point, compressed or uncompressed (SEC 1 §2.3.4), and
// checks that it is on the curve.
func ParsePoint(point []byte) (*ecdsa.PublicKey, error) {
	if len(point) == 65 && point[0] != 4 { // decred takes the hybrid forms, too
		return nil, errors.New("secp256k1: not an uncompressed point")
	}
	p, err := secp256k1.ParsePubKey(point)
	if err != nil {
		return nil, errors.New("secp256k1: not a point on the curve")
	}
	return p.ToECDSA(), nil
}

// Verify reports whether signature, r ‖ s of 32 bytes each, is one of a digest of 32
// bytes by the private key of public, a key that [ParsePoint] could have returned.
// Both the lower and the higher s hold.
func Verify(public *ecdsa.PublicKey, digest, signature []byte) bool {
	xy := coordinates(*public)
	if len(signature) != 64 || len(digest) != 32 || xy.X == nil || xy.Y == nil ||
		xy.X.Sign() < 0 || xy.Y.Sign() < 0 || xy.X.BitLen() > 256 || xy.Y.BitLen() > 256 {
		return false
	}
	var point [65]byte
	point[0] = 4
	xy.X.FillBytes(point[1:33])
	xy.Y.FillBytes(point[33:])
	p, err := secp256k1.ParsePubKey(point[:])
	var r, s secp256k1.ModNScalar
	if err != nil || r.SetByteSlice(signature[:32]) || s.SetByteSlice(signature[32:]) {
		return false
	}
	return decred.NewSignature(&r, &s).Verify(digest, p)
}

// coordinates is shaped like [ecdsa.PublicKey], to which it converts. The fields X and Y of
// that are deprecated in favour of functions that do not know this curve.
type coordinates struct {
	elliptic.Curve
	X, Y *big.Int
}

// A PrivateKey signs as crypto/ecdsa does: ASN.1 signatures of digests. They
// are deterministic (RFC 6979) and have the lower of the two possible s.
type PrivateKey struct{ key *secp256k1.PrivateKey }

// ParsePrivateKey reads a scalar: 32 bytes, big-endian, from 1 to the order less 1.
func ParsePrivateKey(secret []byte) (*PrivateKey, error) {
	var d secp256k1.ModNScalar
	if len(secret) != 32 || d.SetByteSlice(secret) || d.IsZero() {
		return nil, errors.New("secp256k1: scalar out of range")
	}
	return &PrivateKey{secp256k1.NewPrivateKey(&d)}, nil
}

// Public returns the public key.
func (k *PrivateKey) Public() *ecdsa.PublicKey { return k.key.PubKey().ToECDSA() }

// Point returns the public key as an uncompressed point, 04 ‖ x ‖ y.
func (k *PrivateKey) Point() []byte { return k.key.PubKey().SerializeUncompressed() }

// Sign returns the ASN.1 signature of a digest.
func (k *PrivateKey) Sign(digest []byte) []byte { return decred.Sign(k.key, digest).Serialize() }
