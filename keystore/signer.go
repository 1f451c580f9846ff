package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/hourmeter/hourmeter/internal/secp256k1"
)

// A signer is the crypto.Signer that stores hand out. The secret is in no
// field: sign closes over it, so that nothing that walks values by reflection
// (a verb of fmt, a JSON encoder, the diff of a failed test) comes upon it.
// An ed25519.PrivateKey handed to fmt.Println prints itself.
type signer struct {
	algorithm Algorithm
	public    crypto.PublicKey
	encoded   []byte // public, as in a key file
	sign      func(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// Public implements [crypto.Signer]: an ed25519.PublicKey or *ecdsa.PublicKey.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements [crypto.Signer], and through it crypto.SignMessage, as
// crypto/ed25519 and crypto/ecdsa do, except that an ECDSA digest must be as
// long as the hash that opts names: what was never hashed is not signed.
func (s *signer) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil {
		return nil, fmt.Errorf("keystore: sign with %v: opts is nil: pass the hash, or crypto.Hash(0) for Ed25519", s.algorithm)
	}
	if s.algorithm != Ed25519 {
		switch hash := opts.HashFunc(); hash {
		case crypto.SHA256, crypto.SHA384, crypto.SHA512:
			if len(digest) != hash.Size() {
				return nil, fmt.Errorf("keystore: sign with %v: the digest has %d bytes, %v has %d", s.algorithm, len(digest), hash, hash.Size())
			}
		default:
			return nil, fmt.Errorf("keystore: sign with %v: want a digest by SHA-256, SHA-384 or SHA-512, not by %v", s.algorithm, hash)
		}
	}
	return s.sign(rand, digest, opts)
}

// String returns the algorithm, such as "keystore: P-256 key".
func (s *signer) String() string { return "keystore: " + s.algorithm.String() + " key" }

// newSigner returns the signer of a secret of alg.secretSize bytes. It does not
// keep the slice. A scalar outside 1 to n-1 is an error.
func newSigner(alg Algorithm, secret []byte) (*signer, error) {
	s := &signer{algorithm: alg}
	switch alg {
	case Ed25519:
		key := ed25519.NewKeyFromSeed(secret)
		s.public, s.encoded, s.sign = key.Public(), bytes.Clone(key[32:]), key.Sign
	case P256, P384:
		curve := elliptic.P256()
		if alg == P384 {
			curve = elliptic.P384()
		}
		key, err := ecdsa.ParseRawPrivateKey(curve, secret)
		if err != nil {
			return nil, err
		}
		if s.encoded, err = key.PublicKey.Bytes(); err != nil {
			return nil, err
		}
		public := key.PublicKey // a pointer into key would reach the scalar
		s.public, s.sign = &public, key.Sign
	case Secp256k1:
		key, err := secp256k1.ParsePrivateKey(secret)
		if err != nil {
			return nil, err
		}
		s.public, s.encoded = key.Public(), key.Point()
		s.sign = func(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
			return key.Sign(digest), nil
		}
	default:
		return nil, fmt.Errorf("%w: %v", ErrAlgorithm, alg)
	}
	return s, nil
}

// generate makes a key. A scalar is drawn until it is in range, which is the
// first time but once in 2^32 (FIPS 186-5 §A.2.2).
func generate(alg Algorithm) (s *signer, secret []byte, err error) {
	if !alg.known() {
		return nil, nil, fmt.Errorf("%w: %v", ErrAlgorithm, alg)
	}
	secret = make([]byte, alg.secretSize())
	for {
		rand.Read(secret)
		s, err = newSigner(alg, secret)
		if err == nil || errors.Is(err, secp256k1.ErrLeftOut) {
			return s, secret, err
		}
	}
}
