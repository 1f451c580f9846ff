// Package didx509 names machines by the certificates they already have: did:x509, version 0.
//
// Most machines leave the factory with an X.509 certificate (IEEE 802.1AR calls it the IDevID):
// the manufacturer's CA says "this key belongs to serial number 0042". A did:x509 makes that an
// identifier for credentials, without a new key and without anything to register:
//
//	did:x509:0:sha256:WE4P5dd8DnLHSkyHaIjhp4udlkF9LqoKwCvu9gl38jk::subject:O:Acme:2.5.4.5:0042
//
// It pins one CA by the digest of its certificate, and says by predicates what the leaf under it
// has to be. [New] mints one for a chain. [Resolve] gives its document by a chain, and
// [Resolver] is the [did.Resolver] of those whose chains are at hand.
//
// Nothing can be resolved from the identifier alone: the chain comes from whoever has it, most
// often inside the message that its key signed ([Resolver.Presented]). That is safe since a
// chain proves itself against the pinned digest, whoever sends it.
//
// The danger: predicates that are too loose. Whoever the CA certifies can become every
// did:x509 of that CA that fits their certificate: "subject:O:Acme" is each of Acme's machines at
// once. Pin what the CA gives to one machine only, such as the serial number. And read nothing from the
// identifier's text: it says whatever its author liked, until a chain has resolved it.
//
// One machine can have many names in this method, by other predicates, in another order, under
// another of its CAs. Compare identifiers as they are written: who agrees on one agrees on its text.
//
// There is no history and no revocation in the method. A lost key stays good until its certificate
// ends or the application's own [Resolver.Check] refuses it; and since a certificate has to be good when
// a message says that it was signed, only a log can tell a thief's message that was dated back.
//
// The specification is "did:x509 Method Specification", method version 0, of github.com/microsoft/did-x509.
// Its section names are cited here.
package didx509

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Refusals of an identifier: it is none that the method can have made. They wrap [did.ErrInvalidDID].
var (
	ErrFingerprintSyntax = fmt.Errorf("%w: the CA fingerprint is not sha256, sha384 or sha512 in base64url", did.ErrInvalidDID)
	ErrNoPredicate       = fmt.Errorf("%w: there is no predicate", did.ErrInvalidDID)
	ErrUnknownPredicate  = fmt.Errorf("%w: unknown predicate", did.ErrInvalidDID)
	ErrPredicateSyntax   = fmt.Errorf("%w: malformed predicate", did.ErrInvalidDID)
	ErrUnknownKey        = fmt.Errorf("%w: the subject predicate has a key that is neither a label nor an OID", did.ErrInvalidDID)
	ErrDuplicateKey      = fmt.Errorf("%w: the subject predicate has a key twice", did.ErrInvalidDID)
)

// Refusals of a chain: it must not be used, for any identifier. They wrap [did.ErrInvalidDocument].
var (
	ErrMalformed          = fmt.Errorf("%w: no certificate chain", did.ErrInvalidDocument)
	ErrLimit              = fmt.Errorf("%w: the certificate chain is over a limit", did.ErrInvalidDocument)
	ErrTooShort           = fmt.Errorf("%w: a chain has two certificates or more", did.ErrInvalidDocument)
	ErrOrder              = fmt.Errorf("%w: the certificates do not follow from each other, leaf first", did.ErrInvalidDocument)
	ErrSignature          = fmt.Errorf("%w: a certificate is not signed by the next", did.ErrInvalidDocument)
	ErrNotCA              = fmt.Errorf("%w: an issuer is no CA", did.ErrInvalidDocument)
	ErrPathLength         = fmt.Errorf("%w: there are more CAs than one of them allows", did.ErrInvalidDocument)
	ErrNameConstraints    = fmt.Errorf("%w: a name is outside what a CA may certify", did.ErrInvalidDocument)
	ErrPolicy             = fmt.Errorf("%w: the certificate policies do not agree", did.ErrInvalidDocument)
	ErrCriticalExtension  = fmt.Errorf("%w: a critical extension that is not understood", did.ErrInvalidDocument)
	ErrPeriod             = fmt.Errorf("%w: a certificate is not in its period", did.ErrInvalidDocument)
	ErrDuplicateAttribute = fmt.Errorf("%w: a name has an attribute twice", did.ErrInvalidDocument)
	ErrSANType            = fmt.Errorf("%w: a subject alternative name of a type that the method does not have", did.ErrInvalidDocument)
	ErrKeyUsage           = fmt.Errorf("%w: the key usage of the leaf is neither digitalSignature nor keyAgreement", did.ErrInvalidDocument)
)

// Refusals of an identifier with a chain: the chain is good, and of somebody else. They wrap [did.ErrNotFound].
var (
	ErrFingerprint = fmt.Errorf("%w: the pinned CA is not in the chain", did.ErrNotFound)
	ErrNoExtension = fmt.Errorf("%w: the leaf lacks the extension that a predicate is about", did.ErrNotFound)
	ErrNoMatch     = fmt.Errorf("%w: a predicate does not fit the leaf", did.ErrNotFound)
)

// ErrChainNeeded says that there is no chain at hand that resolves the identifier. It is no answer
// ([did.IsAnswer]): whoever has the chain could tell.
var ErrChainNeeded = errors.New("didx509: a certificate chain is needed")

// Resolve returns the document that chain gives id ("DID Resolution").
//
// at is the moment at which every certificate has to be in its period, such as when a message was
// signed. The method leaves to the application which moment that is, and its published vectors
// look at none: the zero time does the same, and takes certificates that ended long ago.
//
// Every error is an answer ([did.IsAnswer]): one of this package's refusals, or
// [did.ErrMethodNotSupported] for what is no did:x509 of version 0, or [did.ErrKeyNotSupported] for a
// leaf key that no document can carry.
func Resolve(id did.DID, chain Chain, at time.Time) (*did.Document, error) {
	want, err := parse(id)
	if err != nil {
		return nil, err
	}
	if err := chain.check(at); err != nil {
		return nil, err
	}
	if err := want.fits(chain); err != nil {
		return nil, err
	}

	leaf := chain[0]
	key := leaf.PublicKey
	if key == nil { // a certificate's parser leaves out X25519 (RFC 8410), that of keys alone does not
		key, _ = x509.ParsePKIXPublicKey(leaf.RawSubjectPublicKeyInfo)
	}
	m, err := did.NewVerificationMethod(id.URL("0"), did.JSONWebKey, id, key)
	if err != nil {
		return nil, err
	}
	doc := &did.Document{
		Context:            []string{"https://www.w3.org/ns/cid/v1"},
		ID:                 id,
		VerificationMethod: []did.VerificationMethod{m},
	}
	self := []did.MethodRef{{ID: m.ID}}
	signs, agrees := keyUsage(leaf)
	if signs {
		doc.Authentication, doc.AssertionMethod = self, self
	}
	if agrees {
		doc.KeyAgreement = self
	}
	if !signs && !agrees {
		return nil, ErrKeyUsage
	}
	return doc, nil
}

// A Resolver resolves did:x509 by chains. Its zero value has none, and answers no did:x509; with
// chains it wants every certificate to be in its period at the version's time, or now. It never
// uses a network.
type Resolver struct {
	// Chains are those at hand. Of several that fit an identifier the first counts.
	Chains []Chain

	// AnyTime also takes chains with certificates that have ended, or not begun. Whoever
	// steals a key that its certificate no longer vouches for can then use it.
	AnyTime bool

	// Check, if not nil, is asked about a chain that resolves id: whether a certificate is
	// revoked, whether its CA is one to be trusted ("DID Resolution" steps 3 and 4). at is zero with AnyTime.
	// Its error is passed on as it is: wrap one of did's for a definite no.
	Check func(ctx context.Context, id did.DID, chain Chain, at time.Time) error
}

// Supports reports whether a method is the one that a Resolver resolves: x509.
func (Resolver) Supports(method string) bool { return method == "x509" }

// Resolve implements [did.Resolver]. The error wraps [ErrChainNeeded] if none of the chains fits.
// A did:x509 has no versions with names, so asking for one gets [did.ErrNotFound].
func (r Resolver) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	at, err := r.moment(id, v)
	if err != nil {
		return nil, err
	}
	// What is closest to a fit explains best why there is none.
	var closest error
	for _, chain := range r.Chains {
		doc, err := r.try(ctx, id, chain, at)
		if err == nil {
			return &did.Resolution{Document: doc}, nil
		}
		if !did.IsAnswer(err) {
			return nil, err
		}
		if closest == nil || errors.Is(closest, ErrFingerprint) {
			closest = err
		}
	}
	if closest != nil { // an answer of each chain, and of none for id
		return nil, fmt.Errorf("%w: none of the %d at hand is of %s: %v", ErrChainNeeded, len(r.Chains), id, closest)
	}
	return nil, fmt.Errorf("%w for %s: it comes with what its key signed (x5c, x5chain), or from its owner", ErrChainNeeded, id)
}

// moment returns the time at which certificates have to be in their period, once it is clear
// that id is one that a chain could resolve.
func (r Resolver) moment(id did.DID, v did.Version) (at time.Time, err error) {
	if _, err := parse(id); err != nil {
		return at, err
	}
	if err := v.Validate(); err != nil {
		return at, err
	}
	switch {
	case v.Named():
		return at, fmt.Errorf("%w: documents of did:x509 have no versions with names or numbers", did.ErrNotFound)
	case r.AnyTime:
		return at, nil
	case v.Time.IsZero():
		return time.Now(), nil
	}
	return v.Time, nil
}

func (r Resolver) try(ctx context.Context, id did.DID, chain Chain, at time.Time) (*did.Document, error) {
	doc, err := Resolve(id, chain, at)
	if err == nil && r.Check != nil {
		err = r.Check(ctx, id, chain, at)
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// Presented returns the resolver of the chain that a message brings along (x5c of JOSE, x5chain of
// COSE), in DER and leaf first. It goes by r's AnyTime and Check, and not by its Chains: what the
// message has to show for itself decides, so that every error about the chain is an answer.
//
// It is what a Verifier of package vc takes as its Certificates:
//
//	verifier := vc.Verifier{Formats: formats, Certificates: didx509.Resolver{}.Presented}
func (r Resolver) Presented(der [][]byte) did.Resolver {
	r.Chains = nil
	return presented{r, der}
}

type presented struct {
	Resolver
	der [][]byte
}

func (p presented) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	at, err := p.moment(id, v)
	if err != nil {
		return nil, err
	}
	chain, err := ParseDER(p.der...)
	if err != nil {
		return nil, err
	}
	doc, err := p.try(ctx, id, chain, at)
	if err != nil {
		return nil, err
	}
	return &did.Resolution{Document: doc}, nil
}
