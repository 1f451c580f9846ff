// Package multikey writes public keys as Multikey does (Controlled Identifiers 1.0 §2.2.2), and
// did:key with it: the key's multicodec code as a varint, the key, and all of it in base58btc
// behind a "z", or in base64url behind a "u" if the key is as long as those of ML-DSA.
//
// [Encode] and [Decode] do that for the keys this module knows. [EncodeBase58], [EncodeBase64URL]
// and their inverses are the multibase underneath, for signatures and digests; [Point] and
// [ParsePoint] are the coordinates underneath, for JWKs.
//
// What Decode returns is a usable key of its kind and has exactly one text, but the text says
// nothing about whose key it is.
package multikey

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/multiformats/go-varint"

	"github.com/hourmeter/hourmeter/internal/rsakey"
)

// The multicodec codes of public keys (https://github.com/multiformats/multicodec, table.csv).
const (
	codeSecp256k1 = 0xe7
	codeX25519    = 0xec
	codeEd25519   = 0xed
	codeP256      = 0x1200
	codeP384      = 0x1201
	codeP521      = 0x1202
	codeRSA       = 0x1205
	codeMLDSA44   = 0x1210
)

// maxKey is the length of the longest key behind its code in base58: two bytes and an RSA key.
// Decoding that takes 15 µs.
const maxKey = 2 + rsakey.MaxPKCS1

// MLDSA44Size is the length of an ML-DSA-44 public key in bytes (FIPS 204 §4, table 2).
const MLDSA44Size = 1312

// An MLDSA44 is the encoding of an ML-DSA-44 public key (FIPS 204, algorithm 22), which any
// MLDSA44Size bytes are. Package did gives it its name.
type MLDSA44 [MLDSA44Size]byte

// Encode returns pub as a Multikey. pub is an [ed25519.PublicKey], an [*ecdsa.PublicKey] on P-256,
// P-384, P-521 or secp256k1 (the last with the Curve of decred's secp256k1), an [*ecdh.PublicKey] on
// X25519, an [*rsa.PublicKey] that package rsakey would read, or an [MLDSA44].
func Encode(pub crypto.PublicKey) (string, error) {
	var code uint64
	var key []byte
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		if err := CheckEd25519(pub); err != nil {
			return "", err
		}
		code, key = codeEd25519, pub
	case *ecdh.PublicKey:
		if pub == nil || pub.Curve() != ecdh.X25519() {
			return "", fmt.Errorf("multikey: an ECDH key that is not on X25519")
		}
		code, key = codeX25519, pub.Bytes()
	case *ecdsa.PublicKey:
		curve, point, err := Point(pub)
		if err != nil {
			return "", err
		}
		code = codeSecp256k1
		for _, c := range nist {
			if c.name == curve {
				code = c.code
			}
		}
		// SEC 1 §2.3.3: the sign of y in place of y.
		key = point[:1+len(point)/2]
		key[0] = 2 | point[len(point)-1]&1
	case MLDSA44:
		return EncodeBase64URL(append(varint.ToUvarint(codeMLDSA44), pub[:]...)), nil
	default:
		var ok bool
		if key, ok = rsakey.PKCS1(pub); !ok {
			return "", fmt.Errorf("multikey: a key of type %T: known are %s", pub, known)
		}
		code = codeRSA
	}
	return EncodeBase58(append(varint.ToUvarint(code), key...)), nil
}

// known names the kinds of keys for error messages.
const known = "Ed25519, P-256, P-384, P-521, secp256k1, X25519, RSA of 2048 to 8192 bits and ML-DSA-44"

// Decode returns the key that a Multikey names, in one of the types that [Encode] takes. It refuses
// any other multicodec, a code that is not the shortest varint, a key of the wrong length, and a
// point that is not on its curve. Of an Ed25519 key it refuses the encodings that RFC 8032 §5.1.3
// rules out and the few keys for which anybody can sign; that the rest is on the curve, only
// verifying a signature shows.
func Decode(s string) (crypto.PublicKey, error) {
	if strings.HasPrefix(s, "u") {
		return decodeLong(s)
	}
	b, err := DecodeBase58(s, maxKey)
	if err != nil {
		return nil, err
	}
	code, n, err := varint.FromUvarint(b)
	if err != nil {
		return nil, fmt.Errorf("multikey: the key's multicodec: %w", err)
	}
	key := b[n:]
	switch code {
	case codeEd25519:
		if err := CheckEd25519(key); err != nil {
			return nil, err
		}
		return ed25519.PublicKey(key), nil
	case codeX25519:
		pub, err := ecdh.X25519().NewPublicKey(key)
		if err != nil {
			return nil, fmt.Errorf("multikey: an X25519 key of %d bytes instead of 32", len(key))
		}
		return pub, nil
	case codeRSA:
		return rsakey.ParsePKCS1(key)
	}
	pub, ok, err := decompress(code, key)
	switch {
	case !ok:
		return nil, fmt.Errorf("multikey: multicodec %#x is no public key known here: those are %s", code, known)
	case err != nil:
		return nil, err // and no nil *ecdsa.PublicKey
	}
	return pub, nil
}

// decodeLong reads a Multikey in base64url, which is how keys are written that would take base58
// too long: ML-DSA-44. Others are not read from it, so that every key has one text.
func decodeLong(s string) (crypto.PublicKey, error) {
	b, err := DecodeBase64URL(s, 2+MLDSA44Size)
	if err != nil {
		return nil, err
	}
	code, n, err := varint.FromUvarint(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("multikey: the key's multicodec: %w", err)
	case code != codeMLDSA44:
		return nil, fmt.Errorf("multikey: multicodec %#x is no key that is written in base64url: ML-DSA-44 is", code)
	case len(b)-n != MLDSA44Size:
		return nil, fmt.Errorf("multikey: an ML-DSA-44 key of %d bytes instead of %d", len(b)-n, MLDSA44Size)
	}
	return MLDSA44(b[n:]), nil
}

// CheckEd25519 refuses a key of another length, a y that is not reduced modulo p = 2^255-19
// (RFC 8032 §5.1.3; Go's verification takes it), and the points of order 1, 2, 4 and 8: under
// those, one signature can hold for every message, so nobody could be held to what it signs.
func CheckEd25519(key []byte) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("multikey: an Ed25519 key of %d bytes instead of %d", len(key), ed25519.PublicKeySize)
	}
	y := [32]byte(key) // little-endian, the sign of x in its top bit
	y[31] &= 0x7f
	const (
		ff30    = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		zero31  = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		eighth1 = "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"
		eighth2 = "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"
	)
	switch {
	case y[31] == 0x7f && y[0] >= 0xed && string(y[1:31]) == ff30: // y ≥ p
		return fmt.Errorf("multikey: an Ed25519 key that is not in its shortest form")
	case y[0] <= 1 && string(y[1:]) == zero31, // y = 0 (order 4), y = 1 (order 1)
		y[31] == 0x7f && y[0] == 0xec && string(y[1:31]) == ff30, // y = -1 (order 2)
		string(y[:]) == eighth1, string(y[:]) == eighth2:
		return fmt.Errorf("multikey: an Ed25519 key of small order, for which anybody can sign")
	}
	return nil
}
