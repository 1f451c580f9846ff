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
