package jwxbridge

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// MaxEncryptedBytes is the longest message that [Decrypt] reads: a presentation of
// [vc.MaxPresentationBytes] in base64url, with what belongs to it.
const MaxEncryptedBytes = vc.MaxPresentationBytes/3*4 + 64<<10

// Encrypt encrypts a response for the one who asked, as OpenID4VP 1.0 §8.3 has it for the
// response mode direct_post.jwt: a compact JWE by ECDH-ES, with the kid of the recipient's key if
// it has one. to is on P-256, P-384 or X25519; enc is A128GCM or A256GCM, as the recipient wants.
func Encrypt(plaintext []byte, to jwk.Key, enc jwa.ContentEncryptionAlgorithm) ([]byte, error) {
	if enc != jwa.A128GCM && enc != jwa.A256GCM {
		return nil, fmt.Errorf("jwxbridge: encrypt: enc %.40q: known are A128GCM and A256GCM", enc)
	}
	public, err := agreementKey(to)
	if err != nil {
		return nil, fmt.Errorf("jwxbridge: encrypt: %w", err)
	}
	// What jwx gets is the key that was checked, and nothing else of to.
	key, err := Key(public, "")
	if err != nil {
		return nil, fmt.Errorf("jwxbridge: encrypt: %w", err)
	}
	headers := jwe.NewHeaders()
	if kid := to.KeyID(); kid != "" {
		if err := headers.Set(jwe.KeyIDKey, kid); err != nil {
			return nil, fmt.Errorf("jwxbridge: encrypt: kid: %w", err)
		}
	}
	return jwe.Encrypt(plaintext, jwe.WithKey(jwa.ECDH_ES, key), jwe.WithContentEncryption(enc), jwe.WithProtectedHeaders(headers))
}

// Decrypt is the inverse of [Encrypt]. key is private. That a message decrypts says nothing about who
// sent it: what it holds has a signature of its own, or none.
//
// Everything in the header that decides what happens is checked before jwx sees it: alg
// is ECDH-ES, enc one of the two, epk a point on the key's own curve (jwx would compute with
// another), kid the key's if both have one; there is no zip, which would let a small message grow,
// and no crit.
func Decrypt(message []byte, key jwk.Key) ([]byte, error) {
	if len(message) > MaxEncryptedBytes {
		return nil, fmt.Errorf("jwxbridge: decrypt: %d bytes are more than the %d that are read", len(message), MaxEncryptedBytes)
	}
	public, err := agreementKey(key)
	if err != nil {
		return nil, fmt.Errorf("jwxbridge: decrypt: %w", err)
	}
	segments := strings.Split(string(message), ".")
	if len(segments) != 5 || segments[1] != "" {
		return nil, errors.New("jwxbridge: decrypt: want five segments, the second empty")
	}
	for _, s := range segments {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
			return nil, errors.New("jwxbridge: decrypt: not base64url without padding")
		}
	}
	if err := checkHeader(segments[0], public, key.KeyID()); err != nil {
		return nil, fmt.Errorf("jwxbridge: decrypt: header: %w", err)
	}
	plain, err := jwe.Decrypt(message, jwe.WithKey(jwa.ECDH_ES, key))
	if err != nil {
		return nil, errors.New("jwxbridge: decrypt: the message is not for this key, or was altered")
	}
	return plain, nil
}

// agreementKey returns the public part of a key that agrees on keys.
func agreementKey(k jwk.Key) (crypto.PublicKey, error) {
	public, err := PublicKey(k)
	if err != nil {
		return nil, err
	}
	if use := k.KeyUsage(); use != "" && use != string(jwk.ForEncryption) {
		return nil, fmt.Errorf("%w: the key's use is %.40q, not enc", did.ErrInvalidKey, use)
	}
	if alg := k.Algorithm().String(); alg != "" && alg != "ECDH-ES" {
		return nil, fmt.Errorf("%w: the key is for %.40q, not for ECDH-ES", did.ErrInvalidKey, alg)
	}
	switch p := public.(type) {
	case *ecdh.PublicKey:
		return p, nil
	case *ecdsa.PublicKey:
		if _, err := p.ECDH(); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: want a key on P-256, P-384 or X25519", did.ErrKeyNotSupported)
}

// checkHeader reads the header of a message for the key public.
func checkHeader(segment string, public crypto.PublicKey, kid string) error {
	text, _ := base64.RawURLEncoding.DecodeString(segment)
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: jws.MaxHeaderBytes, Depth: 4, Values: 64})
	if err != nil {
		return err
	}
	root := doc.Root()
	for m := range root.All() {
		if is, ok := strictjson.CaseVariant(m.Name(), "alg", "enc", "zip", "crit", "epk", "apu", "apv", "kid"); ok {
			return fmt.Errorf("%.40q: is it %q? names are case-sensitive", m.Name(), is)
		}
	}
	alg, enc := root.Member("alg").Text(), root.Member("enc").Text()
	switch {
	case alg != "ECDH-ES":
		return fmt.Errorf("alg is %.40q, want ECDH-ES", alg)
	case enc != "A128GCM" && enc != "A256GCM":
		return fmt.Errorf("enc is %.40q, want A128GCM or A256GCM", enc)
	case root.Member("zip").Exists() || root.Member("crit").Exists():
		return errors.New("zip and crit are not understood")
	case kid != "" && root.Member("kid").Exists() && root.Member("kid").Text() != kid:
		return fmt.Errorf("kid is %.80q, and the key is %.80q", root.Member("kid").Text(), kid)
	}
	epk, err := did.ParseJWK([]byte(root.Member("epk").Raw()))
	if err != nil {
		return fmt.Errorf("epk: %w", err)
	}
	same := false
	switch p := public.(type) {
	case *ecdh.PublicKey:
		_, same = epk.(*ecdh.PublicKey)
	case *ecdsa.PublicKey:
		e, ok := epk.(*ecdsa.PublicKey)
		same = ok && e.Curve == p.Curve
	}
	if !same {
		return errors.New("epk is on another curve than the key")
	}
	return nil
}
