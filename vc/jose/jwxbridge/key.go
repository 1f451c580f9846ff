// Package jwxbridge is for programs that keep their keys as lestrrat-go/jwx/v2 has them.
//
// [PublicKey] and [Signer] turn a jwk.Key into what packages did and vc use; [Key] and [Set]
// turn keys, and those of a DID document, into jwk.Key and jwk.Set. [Encrypt] and [Decrypt]
// are the JWE of an OpenID4VP response (direct_post.jwt).
//
// The danger: jwx reads keys that are none, such as a point that is not on its curve, a
// three-byte Ed25519 key, or an RSA key of 448 bits. What comes out of this package is
// checked; a jwk.Key that did not pass through it is not.
//
// It is the one package of this module that exposes jwx, and links it. jwx/v2 brings net/http
// with it, and is at the end of its life: everything here is a few lines around a few of its
// types, so that the move to another version is one package's.
package jwxbridge

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
)

// PublicKey returns the public key of k, or of the private key that k is: an
// [ed25519.PublicKey], an [*ecdsa.PublicKey] on P-256, P-384 or secp256k1, or an
// [*ecdh.PublicKey] on X25519. Numbers have their full length, points are on their curve,
// and alg, if k has one, is one that such keys are for.
//
// The error wraps [did.ErrKeyNotSupported] for another type of key, RSA among them, and
// [did.ErrInvalidKey] otherwise.
func PublicKey(k jwk.Key) (crypto.PublicKey, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	var crv jwa.EllipticCurveAlgorithm
	var text string
	switch k := k.(type) { // private keys have these methods, too
	case interface {
		Crv() jwa.EllipticCurveAlgorithm
		X() []byte
		Y() []byte
	}:
		crv = k.Crv()
		text = fmt.Sprintf(`{"kty":"EC","crv":%q,"x":"%s","y":"%s"}`, crv, b64(k.X()), b64(k.Y()))
	case interface {
		Crv() jwa.EllipticCurveAlgorithm
		X() []byte
	}:
		crv = k.Crv()
		text = fmt.Sprintf(`{"kty":"OKP","crv":%q,"x":"%s"}`, crv, b64(k.X()))
	case nil:
		return nil, fmt.Errorf("%w: no key", did.ErrInvalidKey)
	default:
		return nil, fmt.Errorf("%w: a JWK of type %s", did.ErrKeyNotSupported, k.KeyType())
	}
	switch crv {
	case jwa.Ed25519, jwa.X25519, jwa.P256, jwa.P384, "secp256k1": // text that needs no escapes
	default:
		return nil, fmt.Errorf("%w: a JWK on curve %.40q", did.ErrKeyNotSupported, crv)
	}
	public, err := did.ParseJWK([]byte(text))
	if err != nil {
		return nil, err
	}
	if alg := k.Algorithm().String(); alg != "" && !slices.Contains(algorithms(public), alg) {
		return nil, fmt.Errorf("%w: a JWK on %s for the algorithm %.40q", did.ErrInvalidKey, crv, alg)
	}
	return public, nil
}

// algorithms returns what a key may be for (RFC 7518 §3.1, §4.1; RFC 8037 §3; RFC 8812 §3.2; RFC 9864 §2.2).
func algorithms(public crypto.PublicKey) []string {
	agree := []string{"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"}
	switch k := public.(type) {
	case ed25519.PublicKey:
		return []string{"EdDSA", "Ed25519"}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return append(agree, "ES256")
		case elliptic.P384():
			return append(agree, "ES384")
		}
		return []string{"ES256K"}
	}
	return agree
}

// Signer returns the private key k as a signer for [vc.Issuer] or [vc.Holder]. Its private
// part has to belong to its public part, and use, key_ops and alg, where k has them, have to
// allow signing. Errors are as those of [PublicKey]; none shows the key.
func Signer(k jwk.Key) (crypto.Signer, error) {
	public, err := PublicKey(k)
	if err != nil {
		return nil, err
	}
	alg, err := jws.Algorithm(public)
	if err != nil {
		return nil, fmt.Errorf("%w: a key of type %T does not sign", did.ErrKeyNotSupported, public)
	}
	if use := k.KeyUsage(); use != "" && use != string(jwk.ForSignature) {
		return nil, fmt.Errorf("%w: the key's use is %.40q, not sig", did.ErrInvalidKey, use)
	}
	if ops := k.KeyOps(); len(ops) > 0 && !slices.Contains(ops, jwk.KeyOpSign) {
		return nil, fmt.Errorf("%w: the key's key_ops do not include sign", did.ErrInvalidKey)
	}
	if named := k.Algorithm().String(); named != "" && named != alg && named != "Ed25519" {
		return nil, fmt.Errorf("%w: the key is for %.40q, not for %s", did.ErrInvalidKey, named, alg)
	}

	var secret []byte
	switch k := k.(type) {
	case jwk.OKPPrivateKey:
		secret = k.D()
	case jwk.ECDSAPrivateKey:
		secret = k.D()
	default:
		return nil, fmt.Errorf("%w: the key is public, and cannot sign", did.ErrInvalidKey)
	}
	var signer crypto.Signer
	switch p := public.(type) {
	case ed25519.PublicKey:
		if len(secret) != ed25519.SeedSize {
			return nil, fmt.Errorf("%w: d has %d bytes, not %d", did.ErrInvalidKey, len(secret), ed25519.SeedSize)
		}
		signer = ed25519.NewKeyFromSeed(secret)
	case *ecdsa.PublicKey:
		if alg == "ES256K" {
			var key *secp256k1.PrivateKey
			key, err = secp256k1.ParsePrivateKey(secret)
			signer = secp256k1Signer{key}
		} else {
			signer, err = ecdsa.ParseRawPrivateKey(p.Curve, secret)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: d is not a private key on %s", did.ErrInvalidKey, p.Params().Name)
		}
	}
	if !public.(interface{ Equal(crypto.PublicKey) bool }).Equal(signer.Public()) {
		return nil, fmt.Errorf("%w: d is the private key of another public key", did.ErrInvalidKey)
	}
	return signer, nil
}

// secp256k1Signer is a [crypto.Signer] of that curve.
type secp256k1Signer struct{ key *secp256k1.PrivateKey }

// Public implements [crypto.Signer].
func (s secp256k1Signer) Public() crypto.PublicKey { return s.key.Public() }

// Sign implements [crypto.Signer].
func (s secp256k1Signer) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	if len(digest) != 32 {
		return nil, fmt.Errorf("secp256k1: a digest of %d bytes, not 32", len(digest))
	}
	return s.key.Sign(digest), nil
}

// Key returns public as a jwk.Key with kid, unless kid is "", and with the use and alg that
// such a key has in this module: to publish it, or to verify with jwx.
func Key(public crypto.PublicKey, kid string) (jwk.Key, error) {
	text, err := did.MarshalJWK(public)
	if err != nil {
		return nil, err
	}
	k, err := jwk.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("jwxbridge: %w", err)
	}
	use, alg := "sig", ""
	if _, ok := public.(*ecdh.PublicKey); ok {
		use, alg = "enc", "ECDH-ES"
	} else if alg, err = jws.Algorithm(public); err != nil {
		return nil, err
	}
	for name, value := range map[string]string{jwk.KeyUsageKey: use, jwk.AlgorithmKey: alg, jwk.KeyIDKey: kid} {
		if value != "" {
			err = errors.Join(err, k.Set(name, value))
		}
	}
	return k, err
}

// Set returns the keys that a DID document gives a role, each with its verification method
// as kid: those that [did.Document.Key] gives out. Keys that it does not, because they
// have expired or are of an unknown type, are left out.
func Set(doc *did.Document, use did.Relationship) (jwk.Set, error) {
	refs := map[did.Relationship][]did.MethodRef{
		did.Authentication: doc.Authentication, did.AssertionMethod: doc.AssertionMethod, did.KeyAgreement: doc.KeyAgreement,
		did.CapabilityInvocation: doc.CapabilityInvocation, did.CapabilityDelegation: doc.CapabilityDelegation,
	}[use]
	set := jwk.NewSet()
	for _, ref := range refs {
		public, err := doc.Key(ref.ID, use)
		if err != nil {
			continue
		}
		k, err := Key(public, ref.ID.String())
		if err == nil && use == did.KeyAgreement {
			err = errors.Join(k.Set(jwk.KeyUsageKey, "enc"), k.Set(jwk.AlgorithmKey, "ECDH-ES"))
		}
		if err == nil {
			err = set.AddKey(k)
		}
		if err != nil {
			return nil, fmt.Errorf("jwxbridge: %s: %w", ref.ID, err)
		}
	}
	return set, nil
}
