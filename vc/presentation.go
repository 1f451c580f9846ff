package vc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/parallel"
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
	Format Format           // secures presentations from outside, instead of a proof by Suite; nil means a proof
	Now    func() time.Time // nil means time.Now
}

// Present answers ch with the given secured credentials (VCDM 2.0 §4.13). Each
// is embedded as a JSON object, byte for byte as it was issued: one that is not
// JSON as [Enveloped] makes it so. The result holds for this challenge only.
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
	document = appendQuoted(document, `{"@context":[`, ContextCredentials)
	document = appendQuoted(document, `],"type":["VerifiablePresentation"],"holder":`, h.ID.String())
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
	s := signer{id: h.ID, key: h.Key, method: h.Method, suite: h.Suite, format: h.Format, limit: MaxPresentationBytes}
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
// verifies and is about the holder, and asks accept about each. The holder of a
// presentation that names none is who signed it.
//
// It returns a *[RejectError] if the presentation is bad, a *[CredentialError]
// if one of its credentials is bad or could not be checked (the first in
// order), and another error if the presentation could not be checked. That the
// same answer is not taken twice is up to the caller, who keeps the challenges.
// A presentation may hold no credentials at all: it proves control of the DID.
func (v *Verifier) VerifyPresentation(ctx context.Context, raw []byte, ch Challenge, accept Accept) (*Presentation, error) {
	return v.presentation(ctx, raw, ch, accept, nil)
}

// presentation is the checklist that every presentation passes, in order.
// Without a report it ends at the first check that fails.
func (v *Verifier) presentation(ctx context.Context, raw []byte, ch Challenge, accept Accept, report *PresentationReport) (*Presentation, error) {
	if (ch.Nonce == "" || ch.Domain == "") && !v.InsecureAnyChallenge {
		return nil, errors.New("vc: verify: Challenge needs the Nonce and Domain that the holder was asked with")
	}
	if accept == nil {
		return nil, errNoAccept
	}
	p, checks := new(Presentation), checklist{}
	if report != nil {
		own := new(Report)
		checks.report = own
		defer func() { report.Holder, report.Findings = p.holder, own.Findings }()
	}
	s, err := v.open(raw, MaxPresentationBytes, envelopedPresentation)
	if err == nil && s.envelope != nil && !s.envelope.Presentation {
		return v.bound(ctx, s, ch, accept, p, &checks, report)
	}
	if report == nil && err != nil || !checks.pass(CheckJSON, err) || err != nil {
		for _, c := range []Check{CheckDataModel, CheckContext, CheckChallenge, CheckProof, CheckHolder} {
			checks.skip(c, "there is nothing to check")
		}
		return nil, err
	}
	root := s.root

	// Its form, names and identifiers are those of VCDM 2.0 §4.13.
	shown, err := p.read(root, v.V1)
	checks.signer = p.holder
	if n := shown.Len(); err == nil && shown.Kind() == strictjson.Array && n > MaxCredentials {
		err = reject(ErrLimit, fmt.Errorf("%d credentials, at most %d are read", n, MaxCredentials))
	} else {
		err = reject(ErrMalformed, err)
	}
	if !checks.pass(CheckDataModel, err) {
		return nil, checks.err
	}
	if !checks.pass(CheckContext, reject(ErrContext, v.Contexts.terms().Check(root))) {
		return nil, checks.err
	}

	// Every proof answers this challenge and holds, by a key that may authenticate today.
	var signers []did.DID
	if e := s.envelope; e != nil {
		if !checks.pass(CheckChallenge, answers(ch, e.Nonce, e.Audience)) {
			return nil, checks.err
		}
		err := v.checkEnvelope(ctx, e, did.Authentication, did.Version{})
		if !checks.pass(CheckProof, err) {
			return nil, checks.err
		}
		signers = append(signers, e.Method.DID)
	}
	if s.envelope == nil || root.Member("proof").Exists() {
		proofs, err := readProofs(nil, root.Member("proof"), did.Authentication, v.suites())
		if err = reject(ErrProof, err); err != nil && !checks.pass(CheckProof, err) {
			return nil, checks.err
		}
		document := jcs.Append(make([]byte, 0, len(root.Raw())+64), root, jcs.Override{Name: "proof"})
		for i := range proofs {
			if !checks.pass(CheckChallenge, answers(ch, proofs[i].challenge, proofs[i].domain)) {
				return nil, checks.err
			}
			err := v.checkProof(ctx, &proofs[i], proofs, root, document, did.Authentication, did.Version{})
			if !checks.pass(CheckProof, err) {
				return nil, checks.err
			}
			signers = append(signers, proofs[i].method.DID)
		}
	}

	// Who answers is the holder. Where none is named it has to be the one who signed:
	// the order of proofs, which nobody signs, decides nothing.
	err = nil
	if p.holder.IsZero() && len(signers) > 0 && !root.Member("holder").Exists() {
		p.holder = signers[0]
		checks.signer = p.holder
		for _, other := range signers[1:] {
			if other != p.holder {
				err = reject(ErrHolder, fmt.Errorf("it names no holder, and both %s and %s signed it", p.holder, other))
			}
		}
	}
	if err == nil && !slices.Contains(signers, p.holder) && !v.InsecureUnboundIssuer {
		err = reject(ErrProof, fmt.Errorf("none of its %d proofs is by the holder", len(signers)))
	}
	if !checks.pass(CheckHolder, err) {
		return nil, checks.err
	}

	// Every credential passes its own checklist, on all cores, and is about the holder.
	list := []strictjson.Value{shown}
	if shown.Kind() == strictjson.Array || !shown.Exists() {
		list = slices.Collect(shown.All())
	}
	p.credentials = make([]*Verified, len(list))
	errs := make([]error, len(list))
	if report != nil {
		report.Credentials = make([]*Report, len(list))
	}
	var first atomic.Int64 // of those that are bad
	first.Store(int64(len(list)))
	parallel.Do(len(list), func(i int) {
		var own *Report
		if report != nil {
			own = new(Report)
			report.Credentials[i] = own
		}
		if report == nil && int64(i) > first.Load() {
			return // the verdict is known: the rest need not keep anybody busy
		}
		if errs[i] = ctx.Err(); errs[i] == nil {
			p.credentials[i], errs[i] = v.shown(ctx, list[i], p.holder, accept, own)
		}
		for bad := first.Load(); errs[i] != nil && int64(i) < bad && !first.CompareAndSwap(bad, int64(i)); bad = first.Load() {
		}
	})
	for i, err := range errs {
		if err != nil && checks.err == nil {
			checks.err = &CredentialError{Index: i, Err: err}
		}
	}
	if checks.err != nil {
		return nil, checks.err
	}
	return p, nil
}

// bound is the checklist of a credential that its holder signed the challenge under.
func (v *Verifier) bound(ctx context.Context, s secured, ch Challenge, accept Accept, p *Presentation, checks *checklist, report *PresentationReport) (*Presentation, error) {
	b := s.envelope.Binding
	var err error
	if b == nil {
		err = reject(ErrMalformed, errors.New("a credential, and nobody signed the challenge: want a presentation, or a key binding"))
	}
	if !checks.pass(CheckDataModel, err) || b == nil {
		return nil, checks.err
	}
	if !checks.pass(CheckChallenge, answers(ch, b.Nonce, b.Audience)) {
		return nil, checks.err
	}
	var own *Report
	if report != nil {
		own = new(Report)
		report.Credentials = []*Report{own}
	}
	c, err := v.credential(ctx, s, AnyIssuer, own)
	if own != nil {
		own.Verified, own.Err = c, err
	}
	if err != nil {
		if checks.err == nil {
			checks.err = &CredentialError{Index: 0, Err: err}
		}
		checks.skip(CheckHolder, "the credential does not verify")
		return nil, checks.err
	}
	p.holder, err = v.checkBinding(ctx, b, c.Subject())
	if !checks.pass(CheckProof, err) {
		return nil, checks.err
	}
	if err := v.about(c, p.holder, true, accept); err != nil && checks.err == nil {
		checks.err = &CredentialError{Index: 0, Err: err}
	}
	if checks.err != nil {
		return nil, checks.err
	}
	p.credentials = []*Verified{c}
	return p, nil
}

// shown checks one credential of a presentation.
func (v *Verifier) shown(ctx context.Context, c strictjson.Value, holder did.DID, accept Accept, report *Report) (*Verified, error) {
	s, err := v.openShown(c)
	if report != nil && !report.opened(err, CheckDataModel, CheckContext, CheckProof, CheckIssuer, CheckPeriod, CheckHolder) || err != nil {
		return nil, err
	}
	out, err := v.credential(ctx, s, func(c *Verified) error {
		rej, bad := v.about(c, holder, false, accept).(*RejectError)
		switch {
		case !bad:
			return nil
		case rej.Reason == ErrHolder:
			return notShown{rej, CheckHolder}
		}
		return notShown{rej, CheckAccept}
	}, report)
	if report != nil {
		report.Verified, report.Err = out, err
	}
	return out, err
}

// A notShown is why a credential does not belong in a presentation, and the check that says so.
type notShown struct {
	*RejectError
	check Check
}

// openShown reads one credential of a presentation: an object, or, in a
// presentation of VCDM 1.1, the text of a [Format].
func (v *Verifier) openShown(c strictjson.Value) (secured, error) {
	if n := len(c.Raw()); n > MaxCredentialBytes {
		return secured{}, reject(ErrLimit, fmt.Errorf("%d bytes, at most %d are read", n, MaxCredentialBytes))
	}
	if c.Kind() != strictjson.String {
		return v.unwrapped(c, MaxCredentialBytes, envelopedCredential)
	}
	s, err := v.openFormat("", []byte(c.Text()), MaxCredentialBytes)
	if err == nil && s.envelope == nil {
		err = reject(ErrMalformed, errors.New("text that none of the Verifier's Formats reads"))
	}
	return s, err
}

// about asks whether a credential is about the holder, and wanted. One that is bound to
// the holder's key, by a signature that was checked, need not name its subject.
func (v *Verifier) about(c *Verified, holder did.DID, bound bool, accept Accept) error {
	if !v.AnySubject {
		for _, subject := range c.subjects {
			if bound && subject.IsZero() || subject == holder {
				continue
			}
			whom := "somebody not named by a DID"
			if !subject.IsZero() {
				whom = subject.String()
			}
			return &RejectError{ErrHolder, c.issuer, fmt.Errorf("is about %s, shown by %s", whom, holder)}
		}
	}
	if err := accept(c); err != nil {
		return &RejectError{ErrNotAccepted, c.issuer, err}
	}
	return nil
}

// read fills p's holder from a presentation and returns the credentials in it.
func (p *Presentation) read(root strictjson.Value, v1 bool) (shown strictjson.Value, err error) {
	if root.Kind() != strictjson.Object {
		return shown, errors.New("want a JSON object")
	}
	if holder := root.Member("holder"); holder.Exists() {
		if p.holder, err = readParty(holder); err != nil {
			return shown, fmt.Errorf("holder: %w", err)
		}
		if p.holder.IsZero() {
			return shown, errors.New("holder: is not named by a DID, so nothing binds a key to it")
		}
	}
	if _, err := readTypes(nil, root.Member("type"), "VerifiablePresentation"); err != nil {
		return shown, fmt.Errorf("type: %w", err)
	}
	version, err := readContext(root.Member("@context"), v1)
	if err != nil {
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
			for c := range m.All() {
				if k := c.Kind(); m.Kind() == strictjson.Array && k != strictjson.Object && !(k == strictjson.String && version == VCDM1) {
					err = fmt.Errorf("want an object or an array of objects, not of %s: VCDM 2.0 shows an enveloped credential as an EnvelopedVerifiableCredential", k)
				}
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
func answers(ch Challenge, nonce string, domain []string) error {
	// Nothing is empty here but with InsecureAnyChallenge.
	if ch.Nonce != "" && nonce != ch.Nonce {
		return reject(ErrChallenge, fmt.Errorf("its challenge is %.80q: a replay, or an answer to another request", nonce))
	}
	if ch.Domain == "" || len(domain) == 1 && domain[0] == ch.Domain { // the same strings, not one of several
		return nil
	}
	return reject(ErrDomain, fmt.Errorf("it was made for the domain %.80q, not %q", domain, ch.Domain))
}
