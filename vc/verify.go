package vc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/parallel"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Verifier checks credentials and presentations. The zero Verifier works
// without a network, knows issuers by did:key and did:jwk, and refuses what it
// cannot check. It is safe for concurrent use.
type Verifier struct {
	Resolver did.Resolver     // nil means did.Offline: no network
	Suites   []Suite          // enabled cryptosuites; nil means EdDSAJCS2022 and ECDSAJCS2019
	Formats  []Format         // enabled enveloping proofs, such as jose.Format; nil means none
	Contexts *Contexts        // known JSON-LD contexts; nil means those compiled in
	Status   StatusChecker    // nil: a credential with credentialStatus is an UncheckedError
	Schema   SchemaChecker    // nil: a credential with credentialSchema is an UncheckedError
	Skew     time.Duration    // tolerated clock difference; zero means one minute
	Now      func() time.Time // nil means time.Now

	// Certificates, if not nil, resolves the signer of an envelope by the certificate chain that
	// the envelope brings along, instead of Resolver: didx509.Resolver{}.Presented is what it is
	// for. Nil means that such chains are not looked at. Whatever it returns must go by
	// what the DID itself pins, since whoever sends the envelope chose the chain.
	Certificates func(chain [][]byte) did.Resolver

	// Resources are documents at hand, by URL. A credential that gives the digest
	// of one in relatedResource, or of a known context, is refused if it is another.
	Resources map[string][]byte

	// CurrentKeys judges a key by its owner's present DID document where the
	// DID method cannot tell what the document was when the proof was made
	// (did.ErrVersionUnknown). False means such a credential could not be checked.
	// A proof that does not say when it was made is always judged by the present
	// document.
	CurrentKeys bool

	// V1 also takes credentials and presentations of VCDM 1.1. Their dates have
	// other names, and their contexts mean other things by some words:
	// [Verified.DataModel] tells them apart. Contexts has to know the context of
	// VCDM 1.1, which is not compiled into this package.
	V1 bool

	// AnySubject also takes presentations of credentials that are about others
	// than the holder. What they say is then not said of who presents them.
	AnySubject bool

	// InsecureUnboundIssuer takes credentials that their issuer did not sign, as
	// long as somebody did: [Verified.Issuer] is then whatever a stranger wrote.
	// It is for conformance suites, which sign with keys of their own.
	InsecureUnboundIssuer bool

	// InsecureAnyChallenge takes a [Challenge] without a Nonce or a Domain, and then
	// does not compare what is not there (VC Data Integrity 1.0 §4.4 leaves that to
	// the options): who overheard a presentation once can show it again. It is for
	// conformance suites.
	InsecureAnyChallenge bool
}

// A StatusChecker says whether a credential is still in force.
// Implementations are safe for concurrent use.
type StatusChecker interface {
	// CheckStatus judges one credentialStatus entry of a credential whose proof
	// holds, or the "status" claim that its envelope carries; both are JSON
	// objects. The error is nil if the entry leaves the credential in force at
	// the given time, wraps [ErrStatus] if not, wraps [ErrMalformed] if the entry
	// cannot be read, and is any other error if it could not find out.
	CheckStatus(ctx context.Context, issuer did.DID, entry []byte, at time.Time) (StatusResult, error)
}

// A StatusResult is what a status list said of a credential that is in force.
type StatusResult struct {
	Purpose string    `json:"purpose"`          // such as "revocation"
	Value   int       `json:"value"`            // the status, 0 where it only can be set or not
	Message string    `json:"message,omitzero"` // what the list says the value means
	List    string    `json:"list"`             // URL of the list
	AsOf    time.Time `json:"asOf"`             // when the list was fetched: the answer is as old
}

// A SchemaChecker says whether a credential fits a schema that it names.
// Implementations are safe for concurrent use.
type SchemaChecker interface {
	// CheckSchema holds credential against one credentialSchema entry; both are
	// JSON objects. It returns nil if it fits, an error wrapping [ErrSchema] if
	// not, one wrapping [ErrMalformed] if the entry cannot be read, and any other
	// error if it could not find out.
	CheckSchema(ctx context.Context, entry, credential []byte) error
}

// Accept decides whether a credential whose proof is good is one the caller
// wants. It returns nil, or the reason why not. It is asked before status lists and
// schemas are: servers of strangers do not learn of credentials that nobody wants.
type Accept func(*Verified) error

// AnyIssuer accepts every credential: use it only where a later step decides
// what an unknown issuer's word is worth, as a reputation.Policy does.
func AnyIssuer(*Verified) error { return nil }

// IssuedBy accepts credentials of these issuers.
func IssuedBy(ids ...did.DID) Accept {
	return func(v *Verified) error {
		if slices.Contains(ids, v.Issuer()) {
			return nil
		}
		return fmt.Errorf("issuer %s is not on the list", v.Issuer())
	}
}

// Verify checks a secured credential and asks accept about it.
//
// It returns a *[RejectError] if the credential is bad, and another error if it
// could not be checked: the issuer's document was out of reach, or nobody was
// given the task of checking its status or schema ([UncheckedError]).
func (v *Verifier) Verify(ctx context.Context, raw []byte, accept Accept) (*Verified, error) {
	if accept == nil {
		return nil, errNoAccept
	}
	s, err := v.open(raw, MaxCredentialBytes, envelopedCredential)
	if err != nil {
		return nil, err
	}
	return v.credential(ctx, s, accept, nil)
}

const (
	envelopedCredential   = "EnvelopedVerifiableCredential"
	envelopedPresentation = "EnvelopedVerifiablePresentation"
)

var errNoAccept = errors.New("vc: verify: accept is nil; pass AnyIssuer to take every issuer")

// credential is the checklist that every credential passes, in order. Without a
// report it ends at the first check that fails; with one it makes them all.
func (v *Verifier) credential(ctx context.Context, s secured, accept Accept, report *Report) (*Verified, error) {
	out := &Verified{secured: s}
	root, envelope := s.root, s.envelope
	list := checklist{report: report}

	// Its form, names and identifiers are those of VCDM 2.0 §4.
	err := out.read(root, v.V1)
	if envelope != nil && envelope.Presentation {
		err = errors.New("it is a presentation, and a credential is wanted")
	}
	list.signer = out.issuer
	if !list.pass(CheckDataModel, reject(ErrMalformed, err)) {
		return nil, list.err
	}

	// Every context is known, and every term defined by one (§4.3).
	if !list.pass(CheckContext, reject(ErrContext, v.Contexts.terms().Check(root))) {
		return nil, list.err
	}

	// What it relates to is what it was issued with, as far as that is at hand (§5.3).
	if out.related.Exists() && !list.pass(CheckResource, reject(ErrResource, checkDigests(out.related, v.Contexts, v.Resources))) {
		return nil, list.err
	}

	// Every proof holds, by a key that its owner had given this role when it signed.
	scratch := buffers.Get().(*[]byte)
	defer buffers.Put(scratch)
	document := slices.Grow((*scratch)[:0], len(root.Raw())+256) // the credential, then a proof's options
	document = jcs.Append(document, root, jcs.Override{Name: "proof"})
	*scratch = document
	out.digest = sha256.Sum256(document)
	open := false // a proof could not be checked
	if envelope != nil {
		p := proof{method: envelope.Method, created: envelope.Created, expires: envelope.Expires}
		err := v.checkEnvelope(ctx, envelope, did.AssertionMethod, did.Version{Time: p.created})
		if !list.pass(CheckProof, err) {
			return nil, list.err
		}
		p.holds, open = err == nil, unchecked(err)
		out.proofs = append(out.proofRoom[:0], p)
	}
	if envelope == nil || out.proof.Exists() { // what is enveloped may have proofs within as well
		embedded, err := readProofs(out.proofRoom[len(out.proofs):], out.proof, did.AssertionMethod, v.suites())
		if err = reject(ErrProof, err); err != nil && !list.pass(CheckProof, err) {
			return nil, list.err
		}
		if err == nil {
			for i := range embedded {
				p := &embedded[i]
				at := did.Version{Time: p.created}
				err := v.checkProof(ctx, p, embedded, root, document, did.AssertionMethod, at)
				if !list.pass(CheckProof, err) {
					return nil, list.err
				}
				open = open || unchecked(err)
			}
			if out.proofs == nil {
				out.proofs = embedded
			} else {
				out.proofs = append(out.proofs, embedded...)
			}
		}
	}

	if report != nil {
		report.Issuer, report.Digest = out.issuer, out.digest
	}

	// One of the proofs is the issuer's own: other signers cannot speak for it.
	switch err := out.checkIssuer(); {
	case v.InsecureUnboundIssuer:
	case err != nil && open:
		list.skip(CheckIssuer, "a proof could not be checked: it may be the issuer's")
	case !list.pass(CheckIssuer, err):
		return nil, list.err
	}

	// Now lies in its period (§4.9).
	if !list.pass(CheckPeriod, v.checkPeriod(out)) {
		return nil, list.err
	}

	// It is in force (§4.10), and fits its schemas (§4.11), as somebody checked;
	// and the caller wants it. These ask others, so they see only what is good; and
	// nobody is asked about what nobody wants.
	wanting, unwanted := CheckAccept, error(nil)
	if list.err == nil {
		err := accept(out)
		if of, ok := err.(notShown); ok {
			wanting, unwanted = of.check, of.RejectError
		} else {
			unwanted = reject(ErrNotAccepted, err)
		}
	}
	asks := func(check Check) bool {
		if unwanted != nil {
			list.skip(check, "the credential is not accepted")
		}
		return unwanted == nil && list.clean(check)
	}
	if (out.status.Exists() || envelope != nil && envelope.Status != nil) && asks(CheckStatus) && !list.pass(CheckStatus, v.checkStatus(ctx, out)) {
		return nil, list.err
	}
	if out.schema.Exists() && asks(CheckSchema) && !list.pass(CheckSchema, v.checkSchema(ctx, out)) {
		return nil, list.err
	}
	if list.clean(wanting) {
		list.pass(wanting, unwanted)
	}
	if list.err != nil {
		return nil, list.err
	}
	return out, nil
}

// unchecked says that err is no verdict.
func unchecked(err error) bool {
	_, bad := errors.AsType[*RejectError](err)
	return err != nil && !bad
}

// buffers keeps room for canonical forms from one verification to the next.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (v *Verified) checkIssuer() error {
	if v.issuer.IsZero() {
		return reject(ErrIssuer, errors.New("the issuer is not named by a DID, so nothing binds a key to it"))
	}
	if !v.SignedBy(v.issuer) {
		return reject(ErrIssuer, fmt.Errorf("of its %d proofs, none that holds is by %s", len(v.proofs), v.issuer))
	}
	return nil
}

func (v *Verifier) checkPeriod(c *Verified) error {
	now, skew := clock(v.Now), v.skew()
	if now.Add(skew).Before(c.from) {
		return reject(ErrNotYetValid, fmt.Errorf("starts %s", stamp(c.from)))
	}
	if !c.until.IsZero() && now.Add(-skew).After(c.until) {
		return reject(ErrExpired, fmt.Errorf("ended %s", stamp(c.until)))
	}
	return nil
}

func (v *Verifier) checkStatus(ctx context.Context, c *Verified) error {
	one := func(entry []byte, typ string) error {
		if v.Status == nil {
			return &UncheckedError{Signer: c.issuer, Member: "credentialStatus", Type: typ}
		}
		result, err := v.Status.CheckStatus(ctx, c.issuer, entry, clock(v.Now))
		if err == nil {
			c.statuses = append(c.statuses, result)
		}
		return verdict(ErrStatus, err)
	}
	if c.envelope != nil && c.envelope.Status != nil {
		if err := one(c.envelope.Status, "the claim status"); err != nil || !c.status.Exists() {
			return err
		}
	}
	return each(c.status, func(entry strictjson.Value) error {
		return one([]byte(entry.Raw()), entry.Member("type").Text())
	})
}

func (v *Verifier) checkSchema(ctx context.Context, c *Verified) error {
	return each(c.schema, func(entry strictjson.Value) error {
		if v.Schema == nil {
			return &UncheckedError{Signer: c.issuer, Member: "credentialSchema", Type: entry.Member("type").Text()}
		}
		if err := ctx.Err(); err != nil { // each may take a while
			return fmt.Errorf("vc: credentialSchema: %w", err)
		}
		return verdict(ErrSchema, v.Schema.CheckSchema(ctx, []byte(entry.Raw()), []byte(c.root.Raw())))
	})
}

// verdict makes a refusal of a checker's no. Whatever else went wrong, even a
// refusal of the list or schema it went by, is no verdict on this credential.
func verdict(no, err error) error {
	if _, other := errors.AsType[*RejectError](err); other && !errors.Is(err, no) {
		return fmt.Errorf("vc: could not be checked: %v", err)
	}
	for _, reason := range []error{no, ErrMalformed} {
		if errors.Is(err, reason) {
			return reject(reason, err)
		}
	}
	return err
}

// reject makes a refusal of detail, or nil of nil. The checklist adds the signer.
func reject(reason, detail error) error {
	if detail == nil {
		return nil
	}
	return &RejectError{Reason: reason, Detail: detail}
}

func (v *Verifier) skew() time.Duration {
	if v.Skew == 0 {
		return time.Minute
	}
	return v.Skew
}

func (v *Verifier) suites() []Suite {
	if v.Suites == nil {
		return suites()
	}
	return v.Suites
}

// A Result is the outcome of one of many verifications: one of the two is nil.
type Result struct {
	Verified *Verified
	Err      error // as Verify returns it
}

// VerifyAll verifies many credentials on all cores. Results are in the order of raws.
func (v *Verifier) VerifyAll(ctx context.Context, raws [][]byte, accept Accept) []Result {
	results := make([]Result, len(raws))
	parallel.Do(len(raws), func(i int) {
		if err := ctx.Err(); err != nil {
			results[i].Err = err
			return
		}
		results[i].Verified, results[i].Err = v.Verify(ctx, raws[i], accept)
	})
	return results
}
