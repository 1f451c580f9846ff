package sdjwt

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// typBinding is the typ of a key binding JWT (RFC 9901 §4.3).
const typBinding = "kb+jwt"

// maxBindingBytes bounds a key binding JWT: its claims are four short texts.
const maxBindingBytes = 16 << 10

// A Confirmation says which key proves that somebody is the holder (RFC 7800): one of
// the two, or none, in which case no key binding is possible.
type Confirmation struct {
	Key    crypto.PublicKey // cnf.jwk: Ed25519, P-256, P-384 or secp256k1
	Method did.URL          // cnf.kid: a verification method with which the holder authenticates
}

func (c Confirmation) isZero() bool { return c.Key == nil && c.Method == (did.URL{}) }

// readConfirmation reads a cnf claim; of an absent one, the zero Confirmation.
func readConfirmation(cnf strictjson.Value) (c Confirmation, err error) {
	if !cnf.Exists() {
		return c, nil
	}
	if cnf.Kind() != strictjson.Object {
		return c, fmt.Errorf("want an object, got %s", cnf.Kind())
	}
	for m := cnf.First(); m.Exists(); m = m.Next() {
		if is, ok := strictjson.CaseVariant(m.Name(), "jwk", "kid", "jku", "jwe"); ok {
			return c, fmt.Errorf("member %q: is it %q? names are case-sensitive", m.Name(), is)
		}
	}
	jwk, kid := cnf.Member("jwk"), cnf.Member("kid")
	switch {
	case jwk.Exists(): // a kid beside it is the key's name
		c.Key, err = did.ParseJWK([]byte(jwk.Raw()))
	case kid.Exists():
		c.Method, err = did.ParseURL(kid.Text())
	default:
		err = errors.New("want a jwk, or the DID URL of a verification method as kid")
	}
	return c, err
}

// appendTo writes c as a cnf claim.
func (c Confirmation) appendTo(dst []byte) ([]byte, error) {
	switch {
	case c.Key != nil && c.Method != (did.URL{}):
		return dst, errors.New("confirm: set Key or Method, not both")
	case c.Key != nil:
		jwk, err := did.MarshalJWK(c.Key)
		if err != nil {
			return dst, err
		}
		return append(append(append(dst, `{"jwk":`...), jwk...), '}'), nil
	}
	method := c.Method.String()
	if url, err := did.ParseURL(method); err != nil || url != c.Method {
		return dst, fmt.Errorf("confirm: Method %.80q is no DID URL", method)
	}
	dst, err := appendQuoted(append(dst, `{"kid":`...), method)
	return append(dst, '}'), err
}

// A binding is a key binding JWT, read and not believed.
type binding struct {
	jwt      *jws.Token
	created  time.Time
	begins   time.Time // nbf, of JWTs in general; zero if it does not say
	ends     time.Time // exp, likewise
	audience string
	nonce    string
	hash     string
}

func readBinding(text string) (*binding, error) {
	jwt, err := jws.Parse(text, maxBindingBytes)
	if err != nil {
		return nil, err
	}
	if jwt.Typ != typBinding {
		return nil, fmt.Errorf("typ is %.40q, want %s", jwt.Typ, typBinding)
	}
	doc, err := strictjson.Parse(jwt.Payload, strictjson.Limits{Bytes: maxBindingBytes, Depth: MaxDepth})
	if err != nil {
		return nil, err
	}
	b := &binding{jwt: jwt}
	claims := doc.Root()
	if claims.Kind() != strictjson.Object {
		return nil, fmt.Errorf("want an object, got %s", claims.Kind())
	}
	for m := claims.First(); m.Exists(); m = m.Next() {
		if is, ok := strictjson.CaseVariant(m.Name(), "iat", "aud", "nonce", "sd_hash", "exp", "nbf"); ok {
			return nil, fmt.Errorf("member %q: is it %q? names are case-sensitive", m.Name(), is)
		}
	}
	if b.created, err = jws.Time(claims.Member("iat")); err != nil {
		return nil, fmt.Errorf("iat: %w", err)
	}
	for _, c := range []struct {
		name string
		time *time.Time
	}{{"nbf", &b.begins}, {"exp", &b.ends}} {
		if m := claims.Member(c.name); m.Exists() {
			if *c.time, err = jws.Time(m); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, c := range []struct {
		name string
		text *string
	}{{"aud", &b.audience}, {"nonce", &b.nonce}, {"sd_hash", &b.hash}} {
		if *c.text, err = jws.Text(claims.Member(c.name)); err != nil { // aud: one string (§4.3)
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return b, nil
}

// errHash says that a key binding is of another token or choice of disclosures.
var errHash = errors.New("sd_hash is not that of this token with these disclosures: the key binding was made for others")

// verifyBinding checks what the holder signed: this token, these disclosures (RFC 9901
// §7.3 steps 5.3 and 5.7).
func (t *Token) verifyBinding(holder crypto.PublicKey) error {
	if t.binding.hash != t.hash.sum(t.unbound()) {
		return errHash
	}
	return t.binding.jwt.Verify(holder)
}
