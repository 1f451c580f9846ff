package vc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hourmeter/hourmeter/internal/multikey"
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

var errSignature = errors.New("signature does not match")

// maxSignature bounds a signature in base58, whose decoding takes quadratic
// time, in bytes: one of P-384 has 96.
const maxSignature = 128

func decodeSignature(proofValue string) ([]byte, error) {
	signature, err := multikey.DecodeBase58(proofValue, maxSignature)
	if err != nil {
		return nil, fmt.Errorf("proofValue: %w", err)
	}
	return signature, nil
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
	signature, err := crypto.SignMessage(key, rand.Reader, hashes[:], crypto.Hash(0))
	if err != nil {
		return "", err
	}
	return multikey.EncodeBase58(signature), nil
}

// Verify implements [Suite].
func (EdDSAJCS2022) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	signature, err := decodeSignature(proofValue)
	if err != nil {
		return err
	}
	k, ok := public.(ed25519.PublicKey)
	if !ok || len(signature) != ed25519.SignatureSize {
		return fmt.Errorf("needs an Ed25519 key and %d bytes, got %T and %d", ed25519.SignatureSize, public, len(signature))
	}
	if hashes := hashSHA256(document, options); !ed25519.Verify(k, hashes[:], signature) {
		return errSignature
	}
	return nil
}

// hashSHA256 is hash(options) ‖ hash(document) (vc-di-eddsa §3.3.4, vc-di-ecdsa §3.3.4).
func hashSHA256(document, options []byte) (out [2 * sha256.Size]byte) {
	o, d := sha256.Sum256(options), sha256.Sum256(document)
	copy(out[:], o[:])
	copy(out[sha256.Size:], d[:])
	return out
}

// ECDSAJCS2019 is ecdsa-jcs-2019: P-256 with SHA-256 or P-384 with SHA-384
// over RFC 8785 JSON (vc-di-ecdsa §3.3).
type ECDSAJCS2019 struct{}

// Name implements [Suite].
func (ECDSAJCS2019) Name() string { return "ecdsa-jcs-2019" }

// Sign implements [Suite].
func (ECDSAJCS2019) Sign(key crypto.Signer, document, options []byte) (string, error) {
	hash, hashes, size, err := ecdsaInput(key.Public(), document, options)
	if err != nil {
		return "", err
	}
	der, err := crypto.SignMessage(key, rand.Reader, hashes, hash)
	if err != nil {
		return "", err
	}
	var r, s big.Int
	var sequence cryptobyte.String
	if in := cryptobyte.String(der); !in.ReadASN1(&sequence, asn1.SEQUENCE) || !in.Empty() ||
		!sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) || !sequence.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 8*size || s.BitLen() > 8*size {
		return "", errors.New("the key returned no ASN.1 ECDSA signature")
	}
	signature := make([]byte, 2*size) // r ‖ s, big-endian
	r.FillBytes(signature[:size])
	s.FillBytes(signature[size:])
	return multikey.EncodeBase58(signature), nil
}

// Verify implements [Suite].
func (ECDSAJCS2019) Verify(public crypto.PublicKey, document, options []byte, proofValue string) error {
	signature, err := decodeSignature(proofValue)
	if err != nil {
		return err
	}
	_, hashes, _, err := ecdsaInput(public, document, options)
	if err != nil {
		return err
	}
	return verifyECDSA(public.(*ecdsa.PublicKey), hashes, signature)
}

// verifyECDSA checks r ‖ s over message, hashed as the key's curve asks.
func verifyECDSA(public *ecdsa.PublicKey, message, signature []byte) error {
	var sum [sha512.Size384]byte
	digest := sum[:]
	if public.Curve == elliptic.P256() {
		digest = sum[:sha256.Size]
		*(*[sha256.Size]byte)(digest) = sha256.Sum256(message)
	} else {
		sum = sha512.Sum384(message)
	}
	if len(signature) != 2*len(digest) {
		return fmt.Errorf("needs %d signature bytes for this curve, got %d", 2*len(digest), len(signature))
	}
	var der [2*(3+sha512.Size384) + 3]byte
	if !ecdsa.VerifyASN1(public, digest, appendDER(der[:0], signature)) {
		return errSignature
	}
	return nil
}

// ecdsaInput returns the hash function of the key's curve, hash(options) ‖
// hash(document) under it, and the size of a coordinate in bytes.
func ecdsaInput(public crypto.PublicKey, document, options []byte) (crypto.Hash, []byte, int, error) {
	if k, ok := public.(*ecdsa.PublicKey); ok {
		switch k.Curve {
		case elliptic.P256():
			hashes := hashSHA256(document, options)
			return crypto.SHA256, hashes[:], sha256.Size, nil
		case elliptic.P384():
			o, d := sha512.Sum384(options), sha512.Sum384(document)
			return crypto.SHA384, append(o[:], d[:]...), sha512.Size384, nil
		}
		return 0, nil, 0, fmt.Errorf("needs a P-256 or P-384 key, got %s", k.Params().Name)
	}
	return 0, nil, 0, fmt.Errorf("needs a P-256 or P-384 key, got %T", public)
}

// appendDER writes r ‖ s as the ASN.1 SEQUENCE of two INTEGERs that crypto/ecdsa
// reads. Lengths stay below 128, so each takes one byte.
func appendDER(dst, signature []byte) []byte {
	start := len(dst)
	dst = append(dst, 0x30, 0)
	for _, n := range [][]byte{signature[:len(signature)/2], signature[len(signature)/2:]} {
		for len(n) > 1 && n[0] == 0 {
			n = n[1:]
		}
		if n[0]&0x80 != 0 {
			dst = append(append(dst, 0x02, byte(len(n)+1), 0), n...)
		} else {
			dst = append(append(dst, 0x02, byte(len(n))), n...)
		}
	}
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}
