//go:build nosecp256k1

// Package secp256k1 was left out of this build by the tag nosecp256k1.
package secp256k1

import (
	"crypto/ecdsa"
	"crypto/elliptic"
)

// Is reports whether c is this curve.
func Is(elliptic.Curve) bool { return false }

// ParsePoint returns [ErrLeftOut].
func ParsePoint([]byte) (*ecdsa.PublicKey, error) { return nil, ErrLeftOut }

// Verify is never called with a key that this build could read.
func Verify(*ecdsa.PublicKey, []byte, []byte) bool { return false }

// A PrivateKey is never made in this build.
type PrivateKey struct{}

// ParsePrivateKey returns [ErrLeftOut].
func ParsePrivateKey([]byte) (*PrivateKey, error) { return nil, ErrLeftOut }

// Public is never called.
func (k *PrivateKey) Public() *ecdsa.PublicKey { return nil }

// Point is never called.
func (k *PrivateKey) Point() []byte { return nil }

// Sign is never called.
func (k *PrivateKey) Sign([]byte) []byte { return nil }
