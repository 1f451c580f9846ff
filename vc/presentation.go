package vc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Challenge ties a presentation to one request, so that it cannot be replayed.
// The one who asks makes it, keeps it, and takes no more than one answer to it.
type Challenge struct {
	Nonce  string `json:"nonce"`  // unguessable, used once
	Domain string `json:"domain"` // who asks, such as "lease.example"
}

// NewChallenge makes a challenge with a fresh nonce of at least 128 random bits.
func NewChallenge(domain string) Challenge {
	return Challenge{Nonce: rand.Text(), Domain: domain}
}

// A Holder presents credentials about itself. It is safe for concurrent use if
// Key is.
type Holder struct {
	ID     did.DID
	Key    crypto.Signer
	Method did.URL          // verification method of Key; zero derives it for did:key and did:jwk
	Suite  Suite            // nil picks the suite for the type of Key
	Now    func() time.Time // nil means time.Now
}

// Present answers ch with the given secured credentials (VCDM 2.0 §4.13). Each
// is embedded as a JSON object, byte for byte as it was issued. The result holds
// for this challenge only.
func (h *Holder) Present(ch Challenge, credentials ...[]byte) ([]byte, error) {
	if ch.Nonce == "" || ch.Domain == "" || !utf8.ValidString(ch.Nonce+ch.Domain) {
		return nil, errors.New("vc: present: Challenge needs Nonce and Domain, from the one who asks")
	}
	if len(credentials) > MaxCredentials {
		return nil, fmt.Errorf("vc: present: %d credentials, at most %d are read", len(credentials), MaxCredentials)
	}
	size := 512
	for _, c := range credentials {
		size += len(c) + 1
	}
	document := make([]byte, 0, size)
	document = append(document, `{"@context":[`...)
	document = appendQuoted(document, ContextCredentials)
	document = append(document, `],"type":["VerifiablePresentation"],"holder":`...)
	document = appendQuoted(document, h.ID.String())
	document = append(document, `,"verifiableCredential":[`...)
	for i, c := range credentials {
		if i > 0 {
			document = append(document, ',')
		}
		document = append(document, c...)
	}
	document = append(document, ']', '}')
	doc, err := strictjson.Parse(document, strictjson.Limits{Bytes: MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("vc: present: %w", err)
	}
	// Text such as `{…},{…}` or `{…}],"id":"…"` is no credential, though it would
	// pass between the commas.
	list := doc.Root().Member("verifiableCredential")
	if list.Len() != len(credentials) {
		return nil, fmt.Errorf("vc: present: %d arguments hold %d credentials", len(credentials), list.Len())
	}
	for i, c := 0, list.First(); c.Exists(); i, c = i+1, c.Next() {
		if c.Kind() != strictjson.Object || c.Raw() != string(bytes.Trim(credentials[i], " \t\r\n")) {
			return nil, fmt.Errorf("vc: present: argument %d: want an object, as it was issued, and nothing else", i)
		}
	}
	s := signer{id: h.ID, key: h.Key, method: h.Method, suite: h.Suite, limit: MaxPresentationBytes}
	return s.sign(doc.Root(), proofOptions{purpose: did.Authentication, created: clock(h.Now), challenge: &ch})
}

// A Presentation is what a holder has proved. Only a [Verifier] makes one.
type Presentation struct {
	holder      did.DID
	credentials []*Verified
}

// Holder returns who answered the challenge.
func (p *Presentation) Holder() did.DID { return p.holder }

// Credentials returns the credentials shown, in the order shown.
func (p *Presentation) Credentials() []*Verified { return slices.Clone(p.credentials) }

// VerifyPresentation checks that the holder answers ch, that every credential
// verifies and is about the holder, and asks accept about each.
//
// It returns a *[RejectError] if the presentation is bad, a *[CredentialError]
// if one of its credentials is bad or could not be checked (the first in
// order), and another error if the presentation could not be checked. That the
// same answer is not taken twice is up to the caller, who keeps the challenges.
// A presentation may hold no credentials at all: it proves control of the DID.
func (v *Verifier) VerifyPresentation(ctx context.Context, raw []byte, ch Challenge, accept Accept) (*Presentation, error) {
	if ch.Nonce == "" || ch.Domain == "" {
		return nil, errors.New("vc: verify: Challenge needs the Nonce and Domain that the holder was asked with")
	}
	root, err := parse(raw, MaxPresentationBytes, accept)
	if err != nil {
		return nil, err
	}
	p := new(Presentation)
	checks := checklist{}

	// Its form, names and identifiers are those of VCDM 2.0 §4.13.
	shown, err := p.read(root)
	checks.signer = p.holder
	if !checks.pass(CheckDataModel, reject(ErrMalformed, err)) {
		return nil, checks.err
	}
	if n := shown.Len(); shown.Kind() == strictjson.Array && n > MaxCredentials {
		checks.pass(CheckDataModel, reject(ErrLimit, fmt.Errorf("%d credentials, at most %d are read", n, MaxCredentials)))
		return nil, checks.err
	}
	if !checks.pass(CheckContext, reject(ErrContext, v.Contexts.terms().Check(root))) {
		return nil, checks.err
	}

	// Every proof answers this challenge and holds, by a key that may authenticate today.
	proofs, err := readProofs(nil, root.Member("proof"), did.Authentication, v.suites())
	if !checks.pass(CheckProof, reject(ErrProof, err)) {
		return nil, checks.err
	}
	document := jcs.Append(make([]byte, 0, len(root.Raw())+64), root, jcs.Override{Name: "proof"})
	for i := range proofs {
		if !checks.pass(CheckProof, proofs[i].answers(ch)) {
			return nil, checks.err
		}
		err := v.checkProof(ctx, &proofs[i], proofs, root, document, did.Authentication, did.Version{})
		if !checks.pass(CheckProof, err) {
			return nil, checks.err
		}
	}
	if !slices.ContainsFunc(proofs, func(q proof) bool { return q.method.DID == p.holder }) {
		checks.pass(CheckProof, reject(ErrProof, fmt.Errorf("none of its %d proofs is by the holder", len(proofs))))
		return nil, checks.err
	}

	// Every credential passes its own checklist, on all cores, and is about the holder.
	list := slices.Collect(shown.All())
	if shown.Kind() == strictjson.Object {
		list = []strictjson.Value{shown}
	}
	p.credentials = make([]*Verified, len(list))
	errs := make([]error, len(list))
	parallel(len(list), func(i int) {
		if errs[i] = ctx.Err(); errs[i] == nil {
			p.credentials[i], errs[i] = v.shown(ctx, list[i], p.holder, accept)
		}
	})
	for i, err := range errs {
		if err != nil {
			return nil, &CredentialError{Index: i, Err: err}
		}
	}
	return p, nil
}

// shown checks one credential of a presentation.
func (v *Verifier) shown(ctx context.Context, c strictjson.Value, holder did.DID, accept Accept) (*Verified, error) {
	if n := len(c.Raw()); n > MaxCredentialBytes {
		return nil, reject(ErrLimit, fmt.Errorf("%d bytes, at most %d are read", n, MaxCredentialBytes))
	}
	out, err := v.credential(ctx, c, AnyIssuer, nil) // accept is asked last
	if err != nil {
		return nil, err
	}
	for _, subject := range out.subjects {
		if subject != holder {
			return nil, &RejectError{ErrHolder, out.issuer, fmt.Errorf("is about %s, shown by %s", subject, holder)}
		}
	}
	if err := accept(out); err != nil {
		return nil, &RejectError{ErrNotAccepted, out.issuer, err}
	}
	return out, nil
}

// read fills p's holder from a presentation and returns the credentials in it.
func (p *Presentation) read(root strictjson.Value) (shown strictjson.Value, err error) {
	if root.Kind() != strictjson.Object {
		return shown, errors.New("want a JSON object")
	}
	if p.holder, err = readParty(root.Member("holder")); err != nil {
		return shown, fmt.Errorf("holder: %w", err)
	}
	if p.holder.IsZero() {
		return shown, errors.New("holder: is not named by a DID, so nothing binds a key to it")
	}
	if _, err := readTypes(nil, root.Member("type"), "VerifiablePresentation"); err != nil {
		return shown, fmt.Errorf("type: %w", err)
	}
	if err := checkContext(root.Member("@context")); err != nil {
		return shown, fmt.Errorf("@context: %w", err)
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		switch name := m.Name(); name {
		case "@context", "type", "holder", "proof":
		case "id":
			_, err = readURL(m)
		case "name", "description":
			err = checkLanguage(m)
		case "termsOfUse":
			err = checkObjects(m, false)
		case "verifiableCredential":
			shown = m
			if k := m.Kind(); k != strictjson.Object && k != strictjson.Array {
				err = errors.New("want an object or an array of objects")
			}
		default:
			err = checkCase(name, presentationMembers)
		}
		if err != nil {
			return shown, fmt.Errorf("%s: %w", m.Name(), err)
		}
	}
	return shown, nil
}

// answers reports whether a proof was made for ch (VC Data Integrity 1.0 §4.4, steps on domain and challenge).
func (p *proof) answers(ch Challenge) error {
	if p.challenge != ch.Nonce {
		return reject(ErrChallenge, fmt.Errorf("its challenge is %.80q: a replay, or an answer to another request", p.challenge))
	}
	if len(p.domain) == 1 && p.domain[0] == ch.Domain { // the same strings, not one of several
		return nil
	}
	return reject(ErrDomain, fmt.Errorf("it was made for the domain %.80q, not %q", p.domain, ch.Domain))
}
