package did

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/rsakey"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxJWKBytes is the longest JWK that is read. The keys themselves need 200 bytes; some
// carry a certificate chain (x5c).
const maxJWKBytes = 16 << 10

var jwkMembers = []string{"kty", "crv", "x", "y", "n", "e", "d", "use"}

// ParseJWK reads a public key in JSON Web Key form (RFC 7517, RFC 8037): Ed25519, X25519,
// P-256, P-384, P-521, secp256k1, or RSA of 2048 to 8192 bits. Numbers must have their full
// length, those of RSA no leading zeros, and points must be on their curve. Members that do not describe the key, such as kid, are ignored.
//
// The error wraps [ErrKeyNotSupported] for another type or curve, [ErrInvalidKey] otherwise.
// A private key is refused, and not shown.
func ParseJWK(raw []byte) (crypto.PublicKey, error) {
	parsed, err := strictjson.Parse(raw, strictjson.Limits{Bytes: maxJWKBytes})
	if err != nil {
		return nil, fmt.Errorf("%w: the JWK is not strict JSON: %w", ErrInvalidKey, err)
	}
	return jwkKey(parsed.Root())
}

func jwkKey(v strictjson.Value) (crypto.PublicKey, error) {
	if v.Kind() != strictjson.Object {
		return nil, fmt.Errorf("%w: a JWK is an object, not %v", ErrInvalidKey, v.Kind())
	}
	var kty, crv string
	for m := range v.All() {
		switch name := m.Name(); name {
		case "kty":
			kty = m.Text()
		case "crv":
			crv = m.Text()
		case "x", "y", "n", "e", "use":
		default:
			if isSecret(name) {
				return nil, fmt.Errorf("%w: this JWK is a private key: consider it stolen, and revoke it", ErrInvalidKey)
			}
			if real, ok := strictjson.CaseVariant(name, jwkMembers...); ok {
				return nil, fmt.Errorf("%w: the JWK has a member that differs from %s only by case", ErrInvalidKey, real)
			}
		}
	}
	switch {
	case kty == "OKP" && crv == "Ed25519":
		x, err := jwkNumber(v, "x", ed25519.PublicKeySize)
		if err != nil {
			return nil, err
		}
		return rawKey(crv, x)
	case kty == "OKP" && crv == "X25519":
		x, err := jwkNumber(v, "x", 32)
		if err != nil {
			return nil, err
		}
		return rawKey(crv, x)
	case kty == "EC" && crv == multikey.P256:
		return jwkPoint(v, crv, 32)
	case kty == "EC" && crv == multikey.P384:
		return jwkPoint(v, crv, 48)
	case kty == "EC" && crv == multikey.P521:
		return jwkPoint(v, crv, 66)
	case kty == "RSA":
		return jwkRSA(v)
	case kty == "EC" && crv == multikey.Secp256k1: // RFC 8812 §3.1
		return jwkPoint(v, crv, 32)
	case kty == "":
		return nil, fmt.Errorf("%w: the JWK has no kty", ErrInvalidKey)
	}
	return nil, fmt.Errorf("%w: a JWK of type %s on curve %s", ErrKeyNotSupported, quote(kty), quote(crv))
}

// jwkPoint reads x and y, size bytes each (RFC 7518 §6.2.1).
func jwkPoint(v strictjson.Value, curve string, size int) (crypto.PublicKey, error) {
	x, err := jwkNumber(v, "x", size)
	if err != nil {
		return nil, err
	}
	y, err := jwkNumber(v, "y", size)
	if err != nil {
		return nil, err
	}
	pub, err := multikey.ParsePoint(curve, slices.Concat([]byte{4}, x, y))
	if errors.Is(err, secp256k1.ErrLeftOut) {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotSupported, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the JWK's point is not on %s", ErrInvalidKey, curve)
	}
	return pub, nil
}

// jwkRSA reads n and e (RFC 7518 §6.3.1).
func jwkRSA(v strictjson.Value) (crypto.PublicKey, error) {
	n, err := jwkNumber(v, "n", base64.RawURLEncoding.DecodedLen(len(v.Member("n").Text())))
	if err != nil {
		return nil, err
	}
	e, err := jwkNumber(v, "e", base64.RawURLEncoding.DecodedLen(len(v.Member("e").Text())))
	if err != nil {
		return nil, err
	}
	pub, err := rsakey.Parse(n, e)
	if errors.Is(err, rsakey.ErrLeftOut) {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotSupported, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	return pub, nil
}

// jwkNumber reads size bytes in base64url: no padding, no white space, no stray last bits.
func jwkNumber(v strictjson.Value, name string, size int) ([]byte, error) {
	text := v.Member(name).Text()
	if len(text) == base64.RawURLEncoding.EncodedLen(size) {
		// The decoder skips line breaks, but then gives less than size bytes.
		if b, err := base64.RawURLEncoding.Strict().DecodeString(text); err == nil && len(b) == size {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: the JWK's %s is not %d bytes in base64url", ErrInvalidKey, name, size)
}

// hasSecretMember reports whether v is a JWK with a member as isSecret names them.
func hasSecretMember(v strictjson.Value) bool {
	for m := range v.All() {
		if isSecret(m.Name()) {
			return true
		}
	}
	return false
}

// isSecret reports whether only private and symmetric JWKs have a member of that name
// (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
func isSecret(name string) bool {
	switch name {
	case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
		return true
	}
	return false
}

// MarshalJWK returns pub as a JSON Web Key with its required members only, in the order
// of RFC 7638 §3.2: its SHA-256 is the thumbprint. An error wraps [ErrKeyNotSupported].
func MarshalJWK(pub crypto.PublicKey) ([]byte, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	crv := curveOf(pub)
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		if len(pub) == ed25519.PublicKeySize {
			return []byte(`{"crv":"` + crv + `","kty":"OKP","x":"` + b64(pub) + `"}`), nil
		}
	case *ecdh.PublicKey:
		if crv != "" {
			return []byte(`{"crv":"` + crv + `","kty":"OKP","x":"` + b64(pub.Bytes()) + `"}`), nil
		}
	case *ecdsa.PublicKey:
		crv, point, err := multikey.Point(pub)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeyNotSupported, err)
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		return []byte(`{"crv":"` + crv + `","kty":"EC","x":"` + b64(x) + `","y":"` + b64(y) + `"}`), nil
	default:
		if n, e, ok := rsakey.Numbers(pub); ok {
			return []byte(`{"e":"` + b64(e) + `","kty":"RSA","n":"` + b64(n) + `"}`), nil
		}
	}
	return nil, fmt.Errorf("%w: no JWK for a %T", ErrKeyNotSupported, pub)
}
