//go:build norsa

// Package rsakey was left out of this build by the tag norsa.
package rsakey

import "crypto"

// Parse returns [ErrLeftOut].
func Parse(n, e []byte) (crypto.PublicKey, error) { return nil, ErrLeftOut }

// ParsePKCS1 returns [ErrLeftOut].
func ParsePKCS1([]byte) (crypto.PublicKey, error) { return nil, ErrLeftOut }

// Numbers is never called with a key that this build could read.
func Numbers(crypto.PublicKey) (n, e []byte, ok bool) { return nil, nil, false }

// PKCS1 is likewise.
func PKCS1(crypto.PublicKey) (der []byte, ok bool) { return nil, false }
