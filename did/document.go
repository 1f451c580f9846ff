package did

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"fmt"
	"slices"
	"time"
)

// Limits of a document.
const (
	// MaxDocumentBytes is the longest document that is read. Real ones have one to ten
	// kilobytes; certificates and PGP keys in them make exceptions.
	MaxDocumentBytes = 128 << 10
	// MaxEntries is the most entries any list of a document may have. A document with a
	// key for every machine of a depot fits; a lookup in it stays a short linear search.
	MaxEntries = 256
	// maxValues is the most JSON values in one document: twenty for each of MaxEntries
	// methods, and as many again for services and the rest.
	maxValues = 2 * 20 * MaxEntries
)

// A Document says which keys act for a DID, in which roles, and where to reach its
// subject (DID Core 1.1 §4 and §5). It is read by [ParseDocument].
//
// Documents are shared, between goroutines and by caches: change a copy.
type Document struct {
	// Context is @context: each entry a URL or, starting with "{", the JSON text of an
	// object. Empty in a document in plain JSON. Nothing here follows it: names mean
	// what DID Core says they mean.
	Context []string

	ID          DID      // whom the document is about
	Controller  []DID    // who may change the document, besides what its method says
	AlsoKnownAs []string // other URIs of the subject, by its own claim

	VerificationMethod   []VerificationMethod
	Authentication       []MethodRef
	AssertionMethod      []MethodRef
	KeyAgreement         []MethodRef
	CapabilityInvocation []MethodRef
	CapabilityDelegation []MethodRef

	Service []Service

	Extra []Member // members DID Core does not define, in the order read

	// Raw is the text the document was read from, exactly; "" for one made in Go.
	Raw string
}

// A VerificationMethod is a key, or something like one, that a document names (DID Core 1.1 §5.2).
type VerificationMethod struct {
	ID         URL
	Type       string // "Multikey", "JsonWebKey2020", …
	Controller DID    // who holds the private key

	Expires time.Time // from when on it must not be used; zero if nothing is said
	Revoked time.Time // likewise, said later

	// Extra are all other members: the one that carries the key, such as
	// publicKeyMultibase, among them. PublicKey reads it.
	Extra []Member
}

// A MethodRef is an entry of a relationship: a method the document defines elsewhere, or
// one defined in place, which has that relationship only (DID Core 1.1 §5.3).
type MethodRef struct {
	ID       URL                 // of the method
	Embedded *VerificationMethod // nil if only referred to
}

// A Service is a way to reach the subject of a document (DID Core 1.1 §5.4).
type Service struct {
	ID       URL
	Type     []string
	Endpoint []string // each a URI or, starting with "{", the JSON text of an object
	Extra    []Member
}

// A Member is a member of a JSON object that this package keeps but does not read.
type Member struct {
	Name  string
	Value string // JSON text
}

// refs returns the entries of a relationship.
func (d *Document) refs(use Relationship) []MethodRef {
	switch use {
	case Authentication:
		return d.Authentication
	case AssertionMethod:
		return d.AssertionMethod
	case KeyAgreement:
		return d.KeyAgreement
	case CapabilityInvocation:
		return d.CapabilityInvocation
	case CapabilityDelegation:
		return d.CapabilityDelegation
	}
	return nil
}

// Method returns the verification method with this id, wherever the document defines it,
// or nil. What it may be used for is another question: see [Document.Key].
func (d *Document) Method(id URL) *VerificationMethod {
	for i := range d.VerificationMethod {
		if d.VerificationMethod[i].ID == id {
			return &d.VerificationMethod[i]
		}
	}
	for _, use := range [...]Relationship{Authentication, AssertionMethod, KeyAgreement, CapabilityInvocation, CapabilityDelegation} {
		for _, ref := range d.refs(use) {
			if ref.Embedded != nil && ref.ID == id {
				return ref.Embedded
			}
		}
	}
	return nil
}

// Key is [Document.KeyAt] now.
func (d *Document) Key(id URL, use Relationship) (crypto.PublicKey, error) {
	return d.KeyAt(id, use, time.Now())
}

// KeyAt returns the public key that id names, if the document gives it use at that time
// (Controlled Identifiers 1.0 §3.3). In this order:
//
//   - The document defines the method, under its own DID; otherwise [ErrNotFound].
//   - The relationship lists it, or embeds it; otherwise [ErrKeyNotAuthorized].
//   - Its controller is the document's own subject; otherwise ErrKeyNotAuthorized. A
//     document may list a key that somebody else holds, but only that somebody's document
//     could confirm it: resolve the controller, and ask there.
//   - It has neither expired nor been revoked; otherwise ErrKeyNotAuthorized.
//   - It is of a type that can be read, [ErrKeyNotSupported], and well formed, [ErrInvalidKey].
//   - It can do what use asks: X25519 keys only agree on keys; Ed25519, ML-DSA and RSA keys never do;
//     otherwise ErrKeyNotAuthorized.
func (d *Document) KeyAt(id URL, use Relationship, at time.Time) (crypto.PublicKey, error) {
	m := d.Method(id)
	if m == nil || id.DID != d.ID {
		return nil, fmt.Errorf("%w: %s in the document of %s", ErrNotFound, id, d.ID)
	}
	switch {
	case !slices.ContainsFunc(d.refs(use), func(ref MethodRef) bool { return ref.ID == id }):
		return nil, fmt.Errorf("%w: %s as %s", ErrKeyNotAuthorized, id, use)
	case m.Controller != d.ID:
		return nil, fmt.Errorf("%w: %s is held by %s: ask for its document", ErrKeyNotAuthorized, id, m.Controller)
	case !m.Expires.IsZero() && !at.Before(m.Expires):
		return nil, fmt.Errorf("%w: %s expired %s", ErrKeyNotAuthorized, id, m.Expires.UTC().Format(time.RFC3339))
	case !m.Revoked.IsZero() && !at.Before(m.Revoked):
		return nil, fmt.Errorf("%w: %s was revoked %s", ErrKeyNotAuthorized, id, m.Revoked.UTC().Format(time.RFC3339))
	}
	pub, err := m.PublicKey()
	if err != nil {
		return nil, err
	}
	if !canDo(pub, use) {
		return nil, fmt.Errorf("%w: %s is a key of the wrong kind for %s", ErrKeyNotAuthorized, id, use)
	}
	return pub, nil
}

// canDo reports whether use is a relationship, and one that keys of this type can have.
func canDo(pub crypto.PublicKey, use Relationship) bool {
	switch use {
	case KeyAgreement:
		switch pub.(type) {
		case *ecdh.PublicKey, *ecdsa.PublicKey:
			return true
		}
		return false // the others sign only; RSA could encrypt, which nothing here does
	case AssertionMethod, Authentication, CapabilityInvocation, CapabilityDelegation:
		_, agreesOnly := pub.(*ecdh.PublicKey)
		return !agreesOnly
	}
	return false
}
