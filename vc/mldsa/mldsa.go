// Package mldsa signs credentials with ML-DSA-44 (FIPS 204), which a quantum
// computer is not known to break.
//
//   - [GenerateKey] and [NewPrivateKey] make a key, a [crypto.Signer].
//   - [MLDSA44JCS2024] is the cryptosuite, for the Suite of a [vc.Issuer] or
//     [vc.Holder] and the Suites of a [vc.Verifier].
//   - [Suites] are those of package vc and this one, for a verifier of hybrid
//     proof sets.
//
// Experimental: the cryptosuite is a working draft of the W3C (Quantum-Resistant
// Cryptosuites v1.0), and the draft says not to use it in production. Use it as
// the second proof beside Ed25519, in a proof set: [vc.Issuer.AddProof]. Both
// proofs are then checked, so neither scheme's fall lets anybody forge one.
//
// The danger: proofs stand outside of what they cover, so whoever passes a
// credential on can take one of a set away. A verifier who relies on the hybrid
// asks for both signers: see [Hybrid].
package mldsa

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"filippo.io/mldsa"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/vc"
)

// SeedSize is the length of a private key's seed in bytes (FIPS 204 §3.6.3, ξ).
const SeedSize = mldsa.PrivateKeySize

// A PrivateKey is an ML-DSA-44 private key in memory. It implements
// [crypto.Signer], and is safe for concurrent use.
type PrivateKey struct{ key *mldsa.PrivateKey }

// GenerateKey makes a key from the system's randomness.
func GenerateKey() (*PrivateKey, error) {
	key, err := mldsa.GenerateKey(mldsa.MLDSA44())
	if err != nil {
		return nil, fmt.Errorf("mldsa: %w", err)
	}
	return &PrivateKey{key}, nil
}

// NewPrivateKey returns the key of a seed of [SeedSize] random bytes, the form in
// which such keys are kept.
func NewPrivateKey(seed []byte) (*PrivateKey, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("mldsa: a seed has %d bytes, not %d", SeedSize, len(seed))
	}
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
	if err != nil {
		return nil, errors.New("mldsa: not a seed") // the cause could show the seed
	}
	return &PrivateKey{key}, nil
}

// Seed returns the seed of the key. Whoever has it has the key.
func (k *PrivateKey) Seed() []byte { return k.key.Bytes() }

// String names the key by its kind only.
func (k *PrivateKey) String() string { return "ML-DSA-44 private key" }

// GoString is String: %#v shows no secret either.
func (k *PrivateKey) GoString() string { return k.String() }

// Public returns a [did.MLDSA44PublicKey], which [did.NewKey] takes.
func (k *PrivateKey) Public() crypto.PublicKey {
	return did.MLDSA44PublicKey(k.key.PublicKey().Bytes())
}

// Sign signs message itself, not a digest, with an empty context string (FIPS 204
// §5.2). opts may be nil or [crypto.Hash](0).
func (k *PrivateKey) Sign(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts != nil && opts.HashFunc() != 0 {
		return nil, errors.New("mldsa: signs messages, not digests")
	}
	return k.key.Sign(rand, message, nil)
}

// MLDSA44JCS2024 is mldsa44-jcs-2024: ML-DSA-44 over SHA-256 hashes of RFC 8785
// JSON (Quantum-Resistant Cryptosuites v1.0, working draft of 2026-06-16). Its
// proofValue has 3,228 characters.
type MLDSA44JCS2024 struct{}

// Suites returns the cryptosuites of package vc and [MLDSA44JCS2024].
func Suites() []vc.Suite {
	return []vc.Suite{vc.EdDSAJCS2022{}, vc.ECDSAJCS2019{}, MLDSA44JCS2024{}}
}

// Name implements [vc.Suite].
func (MLDSA44JCS2024) Name() string { return "mldsa44-jcs-2024" }

// Sign implements [vc.Suite]. The key's Public is a [did.MLDSA44PublicKey], and it
// signs messages, not digests.
func (MLDSA44JCS2024) Sign(key crypto.Signer, document, options []byte) (string, error) {
	if _, ok := key.Public().(did.MLDSA44PublicKey); !ok {
		return "", fmt.Errorf("needs an ML-DSA-44 key, got %T", key.Public())
	}
	signature, err := crypto.SignMessage(key, nil, hashes(document, options), crypto.Hash(0))
	if err != nil {
		return "", err
	}
	return multikey.EncodeBase64URL(signature), nil
}

// Verify implements [vc.Suite].
func (MLDSA44JCS2024) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	encoded, ok := public.(did.MLDSA44PublicKey)
	if !ok {
		return fmt.Errorf("needs an ML-DSA-44 key, got %T", public)
	}
	signature, err := multikey.DecodeBase64URL(proofValue, mldsa.MLDSA44SignatureSize)
	if err != nil {
		return fmt.Errorf("proofValue: %w", err)
	}
	key, err := mldsa.NewPublicKey(mldsa.MLDSA44(), encoded[:])
	if err != nil {
		return err
	}
	if mldsa.Verify(key, hashes(document, options), signature, nil) != nil {
		return errors.New("signature does not match")
	}
	return nil
}

// hashes is hash(options) ‖ hash(document).
func hashes(document, options []byte) []byte {
	o, d := sha256.Sum256(options), sha256.Sum256(document)
	return append(o[:], d[:]...)
}

// Hybrid accepts what next accepts, if the credential is signed with ML-DSA-44 by
// one of the given DIDs too. Without it a credential of which somebody took the
// second proof away is as good as one that has it.
func Hybrid(next vc.Accept, ids ...did.DID) vc.Accept {
	return func(v *vc.Verified) error {
		for _, s := range v.Signatures() {
			for _, id := range ids {
				if s.Method.DID == id && s.Suite == (MLDSA44JCS2024{}).Name() {
					return next(v)
				}
			}
		}
		return errors.New("lacks the ML-DSA-44 proof of a hybrid")
	}
}
