package vc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/signature"
)

// A Suite is a Data Integrity cryptosuite (VC Data Integrity 1.0 §3.1).
// Implement it to add one. One that differs from those of this package in more
// than its cryptography also has a method Traits() [Traits].
type Suite interface {
	// Name is the proof's cryptosuite member, such as "eddsa-jcs-2022".
	Name() string
	// Sign returns proofValue for an unsecured document and its proof options,
	// which are the proof as it will be without proofValue. Both come in RFC 8785
	// form; a suite that canonicalizes in another way starts from them. Neither
	// may be kept after the call.
	Sign(key crypto.Signer, document, options []byte) (proofValue string, err error)
	// Verify returns an error unless proofValue is one that Sign could have made
	// with the private key of public.
	Verify(public crypto.PublicKey, document, options []byte, proofValue string) error
}

// Traits say how the proofs of a [Suite] differ from those of the suites that
// sign JSON, whose Traits are zero.
type Traits struct {
	// JSONLD says that the suite signs the RDF that the document's contexts make
	// of it and its proof. Such a proof is written without a @context of its own.
	JSONLD bool
	// Selective says that a proof may cover less than the issuer signed: the
	// holder may have left statements out.
	Selective bool
	// OwnType says that Name is the proof's type, as before Data Integrity 1.0,
	// and that there is no cryptosuite member.
	OwnType bool
}

func traits(s Suite) Traits {
	if t, ok := s.(interface{ Traits() Traits }); ok {
		return t.Traits()
	}
	return Traits{}
}

// suites are the cryptosuites that need no JSON-LD processor.
func suites() []Suite { return []Suite{EdDSAJCS2022{}, ECDSAJCS2019{}} }

// suiteFor picks the default cryptosuite of a key.
func suiteFor(public crypto.PublicKey) (Suite, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return EdDSAJCS2022{}, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return ECDSAJCS2019{}, nil
		}
		return nil, fmt.Errorf("vc: no Data Integrity suite signs with %s keys: use an Ed25519, P-256 or P-384 key, or set Suite", k.Params().Name)
	}
	return nil, fmt.Errorf("vc: no Data Integrity suite signs with a %T: use an Ed25519, P-256 or P-384 key, or set Suite", public)
}

// EdDSAJCS2022 is eddsa-jcs-2022: Ed25519 over SHA-256 hashes of RFC 8785 JSON (vc-di-eddsa §3.3).
type EdDSAJCS2022 struct{}

// Name implements [Suite].
func (EdDSAJCS2022) Name() string { return "eddsa-jcs-2022" }

// Sign implements [Suite].
func (EdDSAJCS2022) Sign(key crypto.Signer, document, options []byte) (string, error) {
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return "", fmt.Errorf("needs an Ed25519 key, got %T", key.Public())
	}
	hashes := hashSHA256(document, options)
	return signature.SignBase58(key, hashes[:])
}

// Verify implements [Suite].
func (EdDSAJCS2022) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	if _, ok := public.(ed25519.PublicKey); !ok {
		return fmt.Errorf("needs an Ed25519 key, got %T", public)
	}
	hashes := hashSHA256(document, options)
	return verify(public, hashes[:], proofValue)
}

// hashSHA256 is hash(options) ‖ hash(document) (vc-di-eddsa §3.3.4, vc-di-ecdsa §3.3.4).
func hashSHA256(document, options []byte) (out [2 * sha256.Size]byte) {
	o, d := sha256.Sum256(options), sha256.Sum256(document)
	copy(out[:], o[:])
	copy(out[sha256.Size:], d[:])
	return out
}

func verify(public crypto.PublicKey, hashes []byte, proofValue string) error {
	s, err := signature.DecodeBase58(proofValue)
	if err != nil {
		return err
	}
	return signature.Verify(public, hashes, s)
}

// ECDSAJCS2019 is ecdsa-jcs-2019: P-256 with SHA-256 or P-384 with SHA-384
// over RFC 8785 JSON (vc-di-ecdsa §3.3).
type ECDSAJCS2019 struct{}

// Name implements [Suite].
func (ECDSAJCS2019) Name() string { return "ecdsa-jcs-2019" }

// Sign implements [Suite].
func (ECDSAJCS2019) Sign(key crypto.Signer, document, options []byte) (string, error) {
	hashes, err := hashECDSA(key.Public(), document, options)
	if err != nil {
		return "", err
	}
	return signature.SignBase58(key, hashes)
}

// Verify implements [Suite].
func (ECDSAJCS2019) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	hashes, err := hashECDSA(public, document, options)
	if err != nil {
		return err
	}
	return verify(public, hashes, proofValue)
}

// hashECDSA is hash(options) ‖ hash(document) with the hash function of the key's curve.
func hashECDSA(public crypto.PublicKey, document, options []byte) ([]byte, error) {
	k, ok := public.(*ecdsa.PublicKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("needs a P-256 or P-384 key, got %T", public)
	case k.Curve == elliptic.P256():
		hashes := hashSHA256(document, options)
		return hashes[:], nil
	case k.Curve == elliptic.P384():
		o, d := sha512.Sum384(options), sha512.Sum384(document)
		return append(o[:], d[:]...), nil
	}
	return nil, fmt.Errorf("needs a P-256 or P-384 key, got %s", k.Params().Name)
}
