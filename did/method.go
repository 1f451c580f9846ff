package did

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/multiformats/go-varint"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/rsakey"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Types of verification method that this package reads and writes.
const (
	Multikey                          = "Multikey"                          // Controlled Identifiers 1.0 §2.2.2
	JSONWebKey                        = "JsonWebKey"                        // Controlled Identifiers 1.0 §2.2.3
	JSONWebKey2020                    = "JsonWebKey2020"                    // the same, before it was standardised
	Ed25519VerificationKey2018        = "Ed25519VerificationKey2018"        // the bare key in base58
	Ed25519VerificationKey2020        = "Ed25519VerificationKey2020"        // a Multikey that can only be Ed25519
	X25519KeyAgreementKey2019         = "X25519KeyAgreementKey2019"         // the bare key in base58
	X25519KeyAgreementKey2020         = "X25519KeyAgreementKey2020"         // a Multikey that can only be X25519
	EcdsaSecp256k1VerificationKey2019 = "EcdsaSecp256k1VerificationKey2019" // a JWK; in the wild also hexadecimal, base58, Multikey
)

// methodTypes says which members may carry the key of each type, and which curve it must
// be on ("" for any). The first carrier is the one that is written.
var methodTypes = [...]struct {
	name     string
	carriers []string
	curve    string
}{
	{Multikey, []string{"publicKeyMultibase"}, ""},
	{JSONWebKey, []string{"publicKeyJwk"}, ""},
	{JSONWebKey2020, []string{"publicKeyJwk"}, ""},
	{Ed25519VerificationKey2018, []string{"publicKeyBase58", "publicKeyJwk"}, "Ed25519"},
	{Ed25519VerificationKey2020, []string{"publicKeyMultibase"}, "Ed25519"},
	{X25519KeyAgreementKey2019, []string{"publicKeyBase58"}, "X25519"},
	{X25519KeyAgreementKey2020, []string{"publicKeyMultibase"}, "X25519"},
	{EcdsaSecp256k1VerificationKey2019, []string{"publicKeyJwk", "publicKeyHex", "publicKeyBase58", "publicKeyMultibase"}, "secp256k1"},
}

// methodType returns the index of a type in methodTypes, or -1.
func methodType(name string) int {
	for i := range methodTypes {
		if methodTypes[i].name == name {
			return i
		}
	}
	return -1
}

// An MLDSA44PublicKey is the encoding of an ML-DSA-44 public key (FIPS 204, algorithm 22).
// This package reads and writes it; package vc/mldsa verifies with it. Experimental, as the
// standards that use it are.
type MLDSA44PublicKey [1312]byte

// Equal reports whether x is the same key.
func (k MLDSA44PublicKey) Equal(x crypto.PublicKey) bool { return x == crypto.PublicKey(k) }

func encodeMultikey(pub crypto.PublicKey) (string, error) {
	if k, ok := pub.(MLDSA44PublicKey); ok {
		pub = multikey.MLDSA44(k)
	}
	return multikey.Encode(pub)
}

// PublicKey decodes the key of m. The error wraps [ErrKeyNotSupported] for a type or
// curve this package does not know, and [ErrInvalidKey] for a key that is malformed, is
// not of the kind its type says, or is there twice.
func (m *VerificationMethod) PublicKey() (crypto.PublicKey, error) {
	i := methodType(m.Type)
	if i < 0 {
		return nil, fmt.Errorf("%w: %s is a %s", ErrKeyNotSupported, m.ID, quote(m.Type))
	}
	t := methodTypes[i]

	var carrier Member
	for _, x := range m.Extra {
		if !strings.HasPrefix(x.Name, "publicKey") {
			continue
		}
		if carrier.Name != "" {
			return nil, fmt.Errorf("%w: %s has a %s and a %s: which one counts?", ErrInvalidKey, m.ID, carrier.Name, x.Name)
		}
		carrier = x
	}
	if !slices.Contains(t.carriers, carrier.Name) {
		return nil, fmt.Errorf("%w: %s, a %s, has no %s", ErrInvalidKey, m.ID, m.Type, strings.Join(t.carriers, " or "))
	}
	value, err := strictjson.Parse([]byte(carrier.Value), strictjson.Limits{Bytes: maxJWKBytes})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidKey, m.ID, err)
	}

	var pub crypto.PublicKey
	text := value.Root().Text() // "" for a JWK, and for what is no text by mistake
	switch carrier.Name {
	case "publicKeyJwk":
		pub, err = jwkKey(value.Root())
	case "publicKeyMultibase":
		pub, err = decodeMultikey(text, ErrInvalidKey)
	case "publicKeyBase58":
		var raw []byte
		if raw, err = multikey.DecodeBase58("z"+text, maxRawKey); err == nil {
			pub, err = rawKey(t.curve, raw)
		}
	case "publicKeyHex":
		var raw []byte
		if raw, err = hex.DecodeString(text[:min(len(text), 2*maxRawKey+2)]); err == nil {
			pub, err = rawKey(t.curve, raw)
		}
	}
	switch {
	case errors.Is(err, ErrKeyNotSupported) && t.curve != "": // not even of the kind the type promises
		return nil, fmt.Errorf("%w: %s, a %s: %v", ErrInvalidKey, m.ID, m.Type, err)
	case err != nil && IsAnswer(err):
		return nil, fmt.Errorf("%w (%s)", err, m.ID)
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalidKey, m.ID, err)
	case t.curve != "" && curveOf(pub) != t.curve:
		return nil, fmt.Errorf("%w: %s, a %s, has a key on %s", ErrInvalidKey, m.ID, m.Type, curveOf(pub))
	}
	return pub, nil
}

// NewVerificationMethod describes pub as a method of the given type, one of the constants
// of this package. The error wraps [ErrKeyNotSupported], or [ErrInvalidKey] for a key that
// is malformed itself.
func NewVerificationMethod(id URL, typ string, controller DID, pub crypto.PublicKey) (VerificationMethod, error) {
	m := VerificationMethod{ID: id, Type: typ, Controller: controller}
	i := methodType(typ)
	curve := curveOf(pub)
	if i < 0 || curve == "" || methodTypes[i].curve != "" && methodTypes[i].curve != curve {
		return VerificationMethod{}, fmt.Errorf("%w: a %T cannot be written as %s", ErrKeyNotSupported, pub, quote(typ))
	}
	carrier := Member{Name: methodTypes[i].carriers[0]}
	switch carrier.Name {
	case "publicKeyJwk":
		jwk, err := MarshalJWK(pub)
		if err != nil {
			return VerificationMethod{}, err
		}
		carrier.Value = string(jwk)
	case "publicKeyMultibase":
		text, err := encodeMultikey(pub)
		if err != nil {
			return VerificationMethod{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
		}
		carrier.Value = `"` + text + `"`
	case "publicKeyBase58":
		var raw []byte
		switch pub := pub.(type) {
		case ed25519.PublicKey:
			raw = pub
		case *ecdh.PublicKey:
			raw = pub.Bytes()
		}
		carrier.Value = `"` + strings.TrimPrefix(multikey.EncodeBase58(raw), "z") + `"`
	}
	m.Extra = []Member{carrier}
	return m, nil
}

// maxRawKey is the longest key without a header, in bytes: an uncompressed secp256k1 point.
const maxRawKey = 65

// rawKey reads a key that has no header and says nothing of its curve.
func rawKey(curve string, raw []byte) (pub crypto.PublicKey, err error) {
	switch curve {
	case "Ed25519":
		pub, err = ed25519.PublicKey(raw), multikey.CheckEd25519(raw)
	case "X25519":
		pub, err = ecdh.X25519().NewPublicKey(raw)
	case multikey.Secp256k1:
		pub, err = secp256k1.ParsePoint(raw)
	}
	if errors.Is(err, secp256k1.ErrLeftOut) {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotSupported, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes are no %s key", ErrInvalidKey, len(raw), curve)
	}
	return pub, nil
}

// decodeMultikey reads a Multikey. Its errors wrap [ErrKeyNotSupported], or else invalid.
func decodeMultikey(text string, invalid error) (crypto.PublicKey, error) {
	pub, err := multikey.Decode(text)
	switch {
	case err == nil:
		if k, ok := pub.(multikey.MLDSA44); ok {
			pub = MLDSA44PublicKey(k)
		}
		return pub, nil
	case errors.Is(err, secp256k1.ErrLeftOut) || errors.Is(err, rsakey.ErrLeftOut):
		return nil, fmt.Errorf("%w: %w", ErrKeyNotSupported, err)
	}
	read := multikey.DecodeBase58
	if strings.HasPrefix(text, "u") {
		read = multikey.DecodeBase64URL
	}
	b, errBase := read(text, MaxLength)
	if errBase != nil {
		return nil, fmt.Errorf("%w: %w", invalid, errBase)
	}
	code, n, errCode := varint.FromUvarint(b)
	switch {
	case errCode != nil || n == len(b):
		return nil, fmt.Errorf("%w: %w", invalid, err)
	case code>>8 == 0x13: // multicodec keeps private keys there; the text is not shown
		return nil, fmt.Errorf("%w: multicodec %#x is not for public keys: if this is a private key, consider it stolen", invalid, code)
	}
	switch code {
	case 0xe7, 0xec, 0xed, 0x1200, 0x1201, 0x1202, 0x1205, 0x1210:
		return nil, fmt.Errorf("%w: %w", invalid, err)
	case 0xea, 0xeb, 0xee: // G1, G2, and both
		return nil, fmt.Errorf("%w: multicodec %#x, a BLS12-381 key", ErrKeyNotSupported, code)
	}
	return nil, fmt.Errorf("%w: multicodec %#x", ErrKeyNotSupported, code)
}

// curveOf returns the name of the curve of pub, as a JWK has it, or "" if pub is of no
// type this package handles.
func curveOf(pub crypto.PublicKey) string {
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdh.PublicKey:
		if pub.Curve() == ecdh.X25519() {
			return "X25519"
		}
	case MLDSA44PublicKey:
		return "ML-DSA-44" // no curve, but in its place, as is RSA
	case *ecdsa.PublicKey:
		if curve, _, err := multikey.Point(pub); err == nil {
			return curve
		}
	default:
		if _, _, ok := rsakey.Numbers(pub); ok {
			return "RSA"
		}
	}
	return ""
}
