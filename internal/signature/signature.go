// Package signature makes and checks the signatures of JOSE and COSE: Ed25519, and
// ECDSA as r ‖ s.
//
// [Sign] asks a [crypto.Signer], which may be a TPM, and [Verify] checks. Which [Scheme]
// is used follows from the key alone: [Of] says which. A message that names a scheme is
// held against the key by the caller.
//
// An ECDSA signature is malleable: (r, n-s) holds where (r, s) does. Neither RFC 7518
// §3.4 nor RFC 8812 §3.2 asks for the lower s, and hardware gives either one, so both are
// taken. A signature is therefore never a name for what it signs.
package signature

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

	"github.com/hourmeter/hourmeter/internal/secp256k1"
)

// A Scheme is a curve with the hash function that goes with it.
type Scheme byte

// The schemes.
const (
	Ed25519         Scheme = iota + 1 // RFC 8032, PureEdDSA
	P256SHA256                        // RFC 7518 §3.4
	P384SHA384                        // RFC 7518 §3.4
	Secp256k1SHA256                   // RFC 8812 §3.2
	P521SHA512                        // RFC 7518 §3.4
)

// Size returns the length of a signature in bytes.
func (s Scheme) Size() int {
	switch s {
	case P384SHA384:
		return 96
	case P521SHA512:
		return 132
	}
	return 64
}

// ErrMismatch says that a signature is not one of this message by this key.
var ErrMismatch = errors.New("signature does not match")

// Of returns the scheme that keys of this kind sign with.
func Of(public crypto.PublicKey) (Scheme, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return 0, fmt.Errorf("signature: an Ed25519 key of %d bytes instead of %d", len(k), ed25519.PublicKeySize)
		}
		return Ed25519, nil
	case *ecdsa.PublicKey:
		switch {
		case k == nil || k.Curve == nil:
			return 0, errors.New("signature: an ECDSA key without a curve")
		case k.Curve == elliptic.P256():
			return P256SHA256, nil
		case k.Curve == elliptic.P384():
			return P384SHA384, nil
		case k.Curve == elliptic.P521():
			return P521SHA512, nil
		case secp256k1.Is(k.Curve):
			return Secp256k1SHA256, nil
		}
		return 0, fmt.Errorf("signature: a key on %s: known are Ed25519, P-256, P-384, P-521 and secp256k1", k.Params().Name)
	}
	return 0, fmt.Errorf("signature: a key of type %T: known are Ed25519 and ECDSA public keys", public)
}

// Sign returns key's signature of message. ECDSA is r ‖ s, big-endian, each as long as
// the order of the curve (RFC 7518 §3.4).
func Sign(key crypto.Signer, message []byte) ([]byte, error) {
	scheme, err := Of(key.Public())
	if err != nil {
		return nil, err
	}
	hash := crypto.SHA256
	switch scheme {
	case Ed25519:
		signature, err := crypto.SignMessage(key, rand.Reader, message, crypto.Hash(0))
		if err == nil && len(signature) != scheme.Size() {
			err = errors.New("signature: the key returned no Ed25519 signature")
		}
		return signature, err
	case P384SHA384:
		hash = crypto.SHA384
	case P521SHA512:
		hash = crypto.SHA512
	}
	der, err := crypto.SignMessage(key, rand.Reader, message, hash)
	if err != nil {
		return nil, err
	}
	var r, s big.Int
	var sequence cryptobyte.String
	half := scheme.Size() / 2
	if in := cryptobyte.String(der); !in.ReadASN1(&sequence, asn1.SEQUENCE) || !in.Empty() ||
		!sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) || !sequence.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 8*half || s.BitLen() > 8*half {
		return nil, errors.New("signature: the key returned no ASN.1 ECDSA signature")
	}
	signature := make([]byte, 2*half)
	r.FillBytes(signature[:half])
	s.FillBytes(signature[half:])
	return signature, nil
}

// Verify returns nil if signature is one of message by the private key of public,
// [ErrMismatch] if not, and another error for a key that it does not know.
func Verify(public crypto.PublicKey, message, signature []byte) error {
	scheme, err := Of(public)
	if err != nil {
		return err
	}
	if len(signature) != scheme.Size() {
		return fmt.Errorf("%w: it has %d bytes, not %d", ErrMismatch, len(signature), scheme.Size())
	}
	good := false
	switch scheme {
	case Ed25519:
		good = ed25519.Verify(public.(ed25519.PublicKey), message, signature)
	case Secp256k1SHA256:
		digest := sha256.Sum256(message)
		good = secp256k1.Verify(public.(*ecdsa.PublicKey), digest[:], signature)
	default:
		var digest []byte
		switch scheme {
		case P256SHA256:
			d := sha256.Sum256(message)
			digest = d[:]
		case P384SHA384:
			d := sha512.Sum384(message)
			digest = d[:]
		default:
			d := sha512.Sum512(message)
			digest = d[:]
		}
		var room [3 + 2*(3+66)]byte // as P-521 may have it
		good = ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest, appendDER(room[:0], signature))
	}
	if !good {
		return ErrMismatch
	}
	return nil
}

// appendDER writes r ‖ s as the ASN.1 SEQUENCE of two INTEGERs that crypto/ecdsa
// reads. The lengths of the numbers stay below 128, so each takes one byte; that of
// the sequence takes two on P-521.
func appendDER(dst, signature []byte) []byte {
	half := len(signature) / 2
	r, s := integer(signature[:half]), integer(signature[half:])
	size := 2 + len(r) + int(r[0]>>7) + 2 + len(s) + int(s[0]>>7)
	dst = append(dst, 0x30)
	if size >= 128 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(size))
	for _, n := range [][]byte{r, s} {
		if n[0]&0x80 != 0 {
			dst = append(append(dst, 0x02, byte(len(n)+1), 0), n...)
		} else {
			dst = append(append(dst, 0x02, byte(len(n))), n...)
		}
	}
	return dst
}

// integer takes the zeros off the front of a number, but one if it is zero.
func integer(n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	return n
}
