package did

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"filippo.io/edwards25519/field"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// NewKey returns the did:key identifier of pub: an [ed25519.PublicKey], an
// [*ecdsa.PublicKey] on P-256, P-384, P-521 or secp256k1, an [*ecdh.PublicKey] on X25519, or
// an [MLDSA44PublicKey]. There is one identifier for each key. [DID.KeyURL] names the key in it.
// An RSA key gets none: those that others made are read, and new ones not encouraged.
//
// A did:key cannot be changed or retired: who loses the key loses the name.
func NewKey(pub crypto.PublicKey) (DID, error) {
	if curveOf(pub) == "RSA" {
		return DID{}, errMintRSA()
	}
	mb, err := encodeMultikey(pub)
	if err != nil {
		return DID{}, fmt.Errorf("%w: no did:key for it: %w", ErrKeyNotSupported, err)
	}
	return Parse("did:key:" + mb)
}

// NewJWK returns the did:jwk identifier of pub, which is of a type [NewKey] takes. Others
// may have made other identifiers for the same key, since a JWK may say more than the key.
func NewJWK(pub crypto.PublicKey) (DID, error) {
	if curveOf(pub) == "RSA" {
		return DID{}, errMintRSA()
	}
	jwk, err := MarshalJWK(pub)
	if err != nil {
		return DID{}, err
	}
	return Parse("did:jwk:" + base64.RawURLEncoding.EncodeToString(jwk))
}

func errMintRSA() error {
	return fmt.Errorf("%w: an RSA key is read, and not named anew: make an Ed25519 or P-256 key", ErrKeyNotSupported)
}

// KeyURL returns the URL of the key that a did:key or did:jwk is: the one verification
// method of it that signs. It is zero for every other DID, which can have many keys: only
// its document names them.
func (d DID) KeyURL() URL {
	switch d.Method() {
	case "key":
		return d.URL(d.Identifier())
	case "jwk":
		return d.URL("0")
	}
	return URL{}
}

// Offline resolves did:key and did:jwk, whose identifiers contain the key. It never uses
// a network. The documents never change, so it answers for every time; they have no
// versions with names, so asking for one gets [ErrNotFound].
type Offline struct {
	// KeyFormat is the type of the methods in documents of did:key (the method's
	// "publicKeyFormat"): Multikey, which "" means, or JSONWebKey2020, or for Ed25519 and
	// X25519 keys also Ed25519VerificationKey2020 or Ed25519VerificationKey2018. It does
	// not change what Key returns.
	KeyFormat string
}

// Supports reports whether a method, such as "key", is one that Offline resolves.
func (Offline) Supports(method string) bool { return method == "key" || method == "jwk" }

// Resolve implements [Resolver].
func (o Offline) Resolve(_ context.Context, id DID, v Version) (*Resolution, error) {
	var resolve func(DID) (*Document, error)
	switch id.Method() {
	case "key":
		resolve = o.keyDocument
	case "jwk":
		resolve = jwkDocument
	case "":
		return nil, fmt.Errorf("%w: there is none", ErrInvalidDID)
	default:
		return nil, fmt.Errorf("%w: did:%s does not work offline", ErrMethodNotSupported, id.Method())
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Named() {
		return nil, fmt.Errorf("%w: documents of did:%s have no versions with names or numbers", ErrNotFound, id.Method())
	}
	doc, err := resolve(id)
	if err != nil {
		return nil, err
	}
	return &Resolution{Document: doc}, nil
}

// Key implements [KeyResolver]. It decodes the key and makes no document.
func (o Offline) Key(ctx context.Context, url URL, use Relationship, v Version) (crypto.PublicKey, error) {
	method := url.DID.Method()
	if method != "key" && method != "jwk" || v.Named() {
		_, err := o.Resolve(ctx, url.DID, v) // says why not
		return nil, err
	}
	var pub crypto.PublicKey
	fragment, given := "0", true // whether the document gives the key this use
	var err error
	if method == "key" {
		fragment = url.DID.Identifier()
		pub, err = decodeDIDKey(url.DID)
		if ed, ok := pub.(ed25519.PublicKey); ok && url.Fragment != fragment {
			// The one other method such a document has.
			pub, fragment, err = encryptionKey(ed)
		}
	} else {
		var jwk strictjson.Value
		jwk, pub, err = decodeDIDJWK(url.DID)
		given = jwkUse(jwk, use)
	}
	switch {
	case err != nil:
		return nil, err
	case url != url.DID.URL(fragment):
		return nil, fmt.Errorf("%w: %s in the document of %s", ErrNotFound, url, url.DID)
	case !given || !canDo(pub, use):
		return nil, fmt.Errorf("%w: %s as %s", ErrKeyNotAuthorized, url, use)
	}
	return pub, nil
}

// decodeDIDKey returns the key inside a did:key (The did:key Method §3.1).
func decodeDIDKey(id DID) (crypto.PublicKey, error) {
	pub, err := decodeMultikey(id.Identifier(), ErrInvalidDID)
	if err != nil {
		return nil, fmt.Errorf("%w (did:key)", err)
	}
	return pub, nil
}

// encryptionKey derives the X25519 key that a did:key document gives an Ed25519 key for
// keyAgreement, and its Multikey, which is its fragment.
func encryptionKey(pub ed25519.PublicKey) (*ecdh.PublicKey, string, error) {
	x, err := montgomery(pub)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w (did:key)", ErrInvalidDID, err)
	}
	fragment, err := multikey.Encode(x)
	return x, fragment, err
}

// montgomery maps a point of Ed25519 to X25519, u = (1+y)/(1-y) mod p (RFC 7748 §4.1), and
// refuses what is no point. One exponentiation tells both.
func montgomery(pub ed25519.PublicKey) (*ecdh.PublicKey, error) {
	y, err := new(field.Element).SetBytes(pub) // which ignores the sign of x
	if err != nil {
		return nil, err
	}
	// On -x²+y² = 1-(121665/121666)x²y² (RFC 8032 §5.1), x² = n/d with n = 121666(y²-1) and
	// d = 121666-121665y². A quotient is a square where the product nd is.
	one := new(field.Element).One()
	var yy, n, d, nd, power, sign, minusOne, u field.Element
	yy.Square(y)
	n.Mult32(n.Subtract(&yy, one), 121666)
	d.Subtract(d.Mult32(one, 121666), yy.Mult32(&yy, 121665))
	nd.Multiply(&n, &d)
	power.Square(power.Pow22523(&nd)) // nd^((p-5)/4)
	sign.Multiply(&power, &nd)        // nd^((p-1)/4): 1 or -1 for a square, 0 for none at all
	if sign.Equal(one) == 0 && sign.Equal(minusOne.Negate(one)) == 0 {
		return nil, errors.New("the Ed25519 key is not a point on its curve, or has small order")
	}
	// As sign is its own inverse, 1/nd is sign·power, and so
	// 1/(1-y) = -121666(1+y)d/nd = -121666(1+y)d·sign·power.
	u.Add(one, y)
	u.Multiply(u.Square(&u), &d)
	u.Multiply(u.Mult32(&u, 121666), &power)
	u.Multiply(&u, sign.Negate(&sign))
	return ecdh.X25519().NewPublicKey(u.Bytes())
}

// contextDID is the JSON-LD context that every document made here starts with.
const contextDID = "https://www.w3.org/ns/did/v1"

// methodContext returns the JSON-LD context that defines a type of method (The did:key
// Method, "Context Creation Algorithm").
func methodContext(typ string) string {
	switch typ {
	case Multikey:
		return "https://w3id.org/security/multikey/v1"
	case Ed25519VerificationKey2020:
		return "https://w3id.org/security/suites/ed25519-2020/v1"
	case X25519KeyAgreementKey2020:
		return "https://w3id.org/security/suites/x25519-2020/v1"
	case Ed25519VerificationKey2018:
		return "https://w3id.org/security/suites/ed25519-2018/v1"
	case X25519KeyAgreementKey2019:
		return "https://w3id.org/security/suites/x25519-2019/v1"
	}
	return "https://w3id.org/security/suites/jws-2020/v1"
}

// keyDocument makes the document of a did:key (The did:key Method, "Document Creation
// Algorithm", with enableEncryptionKeyDerivation).
func (o Offline) keyDocument(id DID) (*Document, error) {
	signing, agreeing := o.KeyFormat, o.KeyFormat
	switch o.KeyFormat {
	case "":
		signing, agreeing = Multikey, Multikey
	case Multikey, JSONWebKey2020:
	case Ed25519VerificationKey2020:
		agreeing = X25519KeyAgreementKey2020
	case Ed25519VerificationKey2018:
		agreeing = X25519KeyAgreementKey2019
	default:
		return nil, fmt.Errorf("did: Offline.KeyFormat is %q, which did:key documents do not have", o.KeyFormat)
	}

	pub, err := decodeDIDKey(id)
	if err != nil {
		return nil, err
	}
	doc := &Document{Context: []string{contextDID}, ID: id}
	add := func(fragment, typ string, pub crypto.PublicKey) (refs []MethodRef, err error) {
		m := VerificationMethod{ID: id.URL(fragment), Type: typ, Controller: id}
		if typ == Multikey { // which the fragment is
			m.Extra = []Member{{"publicKeyMultibase", `"` + fragment + `"`}}
		} else if m, err = NewVerificationMethod(m.ID, typ, id, pub); err != nil {
			return nil, err
		}
		doc.VerificationMethod = append(doc.VerificationMethod, m)
		if c := methodContext(typ); !slices.Contains(doc.Context, c) {
			doc.Context = append(doc.Context, c)
		}
		return []MethodRef{{ID: m.ID}}, nil
	}

	if x, ok := pub.(*ecdh.PublicKey); ok {
		doc.KeyAgreement, err = add(id.Identifier(), agreeing, x)
		return doc, err
	}
	self, err := add(id.Identifier(), signing, pub)
	if err != nil {
		return nil, err
	}
	doc.Authentication, doc.AssertionMethod = self, self
	doc.CapabilityInvocation, doc.CapabilityDelegation = self, self
	if canDo(pub, KeyAgreement) {
		doc.KeyAgreement = self // an ECDSA key can do both
	}
	if ed, ok := pub.(ed25519.PublicKey); ok {
		x, fragment, err := encryptionKey(ed)
		if err != nil {
			return nil, err
		}
		if doc.KeyAgreement, err = add(fragment, agreeing, x); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// decodeDIDJWK returns the JWK inside a did:jwk and its key (The did:jwk Method §3.2). No
// message shows the DID: it may hold a private key.
func decodeDIDJWK(id DID) (jwk strictjson.Value, pub crypto.PublicKey, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(id.Identifier())
	if err != nil {
		return jwk, nil, fmt.Errorf("%w: this did:jwk is not base64url without padding", ErrInvalidDID)
	}
	parsed, err := strictjson.Parse(raw, strictjson.Limits{Bytes: MaxLength})
	if err != nil {
		return jwk, nil, fmt.Errorf("%w: the JWK in this did:jwk is not strict JSON: %w", ErrInvalidDID, err)
	}
	jwk = parsed.Root()
	pub, err = jwkKey(jwk)
	switch {
	case errors.Is(err, ErrKeyNotSupported): // which does not make the DID invalid; all else does
		return jwk, nil, fmt.Errorf("%w (did:jwk)", err)
	case err != nil:
		return jwk, nil, fmt.Errorf("%w: did:jwk: %w", ErrInvalidDID, err)
	}
	return jwk, pub, nil
}

// jwkUse reports whether the document of a did:jwk gives its key a role.
func jwkUse(jwk strictjson.Value, role Relationship) bool {
	switch jwk.Member("use").Text() {
	case "enc":
		return role == KeyAgreement
	case "sig":
		return role != KeyAgreement
	}
	return true
}

// jwkDocument makes the document of a did:jwk (The did:jwk Method §3.2).
func jwkDocument(id DID) (*Document, error) {
	jwk, _, err := decodeDIDJWK(id)
	if err != nil {
		return nil, err
	}
	m := VerificationMethod{ID: id.URL("0"), Type: JSONWebKey2020, Controller: id, Extra: []Member{{"publicKeyJwk", jwk.Raw()}}}
	self := []MethodRef{{ID: m.ID}}
	doc := &Document{
		Context:            []string{contextDID, methodContext(JSONWebKey2020)},
		ID:                 id,
		VerificationMethod: []VerificationMethod{m},
	}
	if jwkUse(jwk, AssertionMethod) {
		doc.AssertionMethod, doc.Authentication = self, self
		doc.CapabilityInvocation, doc.CapabilityDelegation = self, self
	}
	if jwkUse(jwk, KeyAgreement) {
		doc.KeyAgreement = self
	}
	return doc, nil
}
