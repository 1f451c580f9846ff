package vc

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// An Issuer signs credentials as one DID with one key. It is safe for
// concurrent use if Key is.
type Issuer struct {
	ID       did.DID
	Key      crypto.Signer
	Method   did.URL          // verification method of Key; zero derives it for did:key and did:jwk
	Suite    Suite            // nil picks the suite for the type of Key
	Format   Format           // secures credentials from outside, instead of a proof by Suite; nil means a proof
	Contexts *Contexts        // known JSON-LD contexts; nil means those compiled in
	Now      func() time.Time // nil means time.Now

	// Resources are documents at hand, by URL, whose digests relatedResource may give.
	Resources map[string][]byte

	V1 bool // AddProof also takes credentials of VCDM 1.1

	// InsecureUnboundIssuer lets AddProof sign, as the first, what names another
	// issuer than ID: nobody takes the result but a [Verifier] that does not
	// compare them either. It is for conformance suites.
	InsecureUnboundIssuer bool
}

// Issue signs c and returns the secured credential. It refuses to sign what
// [Verifier.Verify] would refuse to read.
func (i *Issuer) Issue(c *Credential) ([]byte, error) {
	now := clock(i.Now)
	document, err := c.document(i.ID, now)
	if err != nil {
		return nil, err
	}
	return i.sign(document, now, nil)
}

// AddProof signs a credential that exists already: an unsecured one, as a
// program of another kind wrote it, or a secured one that needs this signature
// as well. What it says, and every proof it has, stays as it is.
//
// With no previousProof the result is a proof set: the new proof covers the
// credential. Otherwise it is a proof chain: the new proof covers also the
// existing proofs with these ids (VC Data Integrity 1.0 §4.3). AddProof does not
// check the proofs it finds; verify first what you countersign.
//
// With a Format the result is what the format writes, around the credential and
// all its proofs.
func (i *Issuer) AddProof(credential []byte, previousProof ...string) ([]byte, error) {
	return i.sign(credential, clock(i.Now), previousProof)
}

func (i *Issuer) sign(document []byte, now time.Time, previousProof []string) ([]byte, error) {
	doc, err := strictjson.Parse(document, strictjson.Limits{Bytes: MaxCredentialBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("vc: issue: %w", err)
	}
	root := doc.Root()
	var m model
	if err := m.read(root, i.V1); err != nil {
		return nil, fmt.Errorf("vc: issue: %w", err)
	}
	if err := i.Contexts.terms().Check(root); err != nil {
		return nil, fmt.Errorf("vc: issue: %w", err)
	}
	if err := checkDigests(m.related, i.Contexts, i.Resources); err != nil {
		return nil, fmt.Errorf("vc: issue: %w", err)
	}
	if (!m.proof.Exists() || i.Format != nil) && m.issuer != i.ID && !i.InsecureUnboundIssuer {
		return nil, fmt.Errorf("vc: issue: the issuer is %s; its proof has to be the first, not one of %s", m.issuer, i.ID)
	}
	s := signer{id: i.ID, key: i.Key, method: i.Method, suite: i.Suite, format: i.Format, limit: MaxCredentialBytes}
	signed, err := s.sign(root, proofOptions{purpose: did.AssertionMethod, created: now, previous: previousProof})
	if err != nil || i.Format != nil || m.version != VCDM1 {
		return signed, err
	}
	// The terms of a proof are VCDM 2.0's. A document of VCDM 1.1 has to list a context for them.
	if doc, err = strictjson.Parse(signed, strictjson.Limits{Bytes: MaxCredentialBytes, Depth: maxDepth}); err == nil {
		err = i.Contexts.terms().Check(doc.Root())
	}
	if err != nil {
		return nil, fmt.Errorf("vc: issue: with the proof: %w", err)
	}
	return signed, nil
}

// A signer is what Issuer and Holder have in common.
type signer struct {
	id     did.DID
	key    crypto.Signer
	method did.URL
	suite  Suite
	format Format
	limit  int // bytes of what is signed, with its proof
}

type proofOptions struct {
	purpose   did.Relationship
	created   time.Time
	challenge *Challenge
	previous  []string
}

// sign returns the text of root with one more proof (VC Data Integrity 1.0 §4.2,
// §4.3), or in an envelope.
func (s signer) sign(root strictjson.Value, o proofOptions) ([]byte, error) {
	if s.id.IsZero() || s.key == nil {
		return nil, errors.New("vc: sign: ID and Key are required")
	}
	if s.suite == nil && s.format == nil {
		var err error
		if s.suite, err = suiteFor(s.key.Public()); err != nil {
			return nil, err
		}
	}
	if s.method.IsZero() {
		s.method = s.id.KeyURL()
	}
	if s.method.IsZero() {
		return nil, fmt.Errorf("vc: sign as %s: Method is required: name the verification method of Key", s.id)
	}
	method := s.method.String()
	if url, err := did.ParseURL(method); err != nil || url != s.method || url.DID != s.id {
		return nil, fmt.Errorf("vc: sign as %s: Method %.80q is no DID URL of it", s.id, method)
	}

	if s.format != nil {
		if len(o.previous) > 0 {
			return nil, errors.New("vc: sign: an envelope is around all proofs: previousProof does not apply")
		}
		if within := root.Member("proof"); within.Exists() {
			if err := each(within, func(strictjson.Value) error { return nil }); err != nil {
				return nil, fmt.Errorf("vc: sign: proof: %w", err)
			}
		}
		e := &Envelope{Document: []byte(root.Raw()), Method: s.method, Created: o.created.UTC().Truncate(time.Second)}
		if o.challenge != nil {
			e.Presentation, e.Nonce, e.Audience = true, o.challenge.Nonce, []string{o.challenge.Domain}
		}
		sealed, err := s.format.Seal(s.key, e)
		if err != nil {
			return nil, fmt.Errorf("vc: sign as %s: %w", s.id, err)
		}
		if len(sealed) > s.limit {
			return nil, fmt.Errorf("vc: sign: %d bytes in the envelope, at most %d are read", len(sealed), s.limit)
		}
		return sealed, nil
	}

	// The proof this one will stand beside.
	var proofs []proof
	existing := root.Member("proof")
	if existing.Exists() {
		if existing.Kind() == strictjson.Array && existing.Len() >= MaxProofs {
			return nil, fmt.Errorf("vc: sign: there are %d proofs already, at most %d are read", existing.Len(), MaxProofs)
		}
		err := each(existing, func(o strictjson.Value) error {
			proofs = append(proofs, proof{value: o, id: o.Member("id").Text()})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("vc: sign: proof: %w", err)
		}
	}

	// RFC 8785 order: what is written here is canonical as it stands.
	how := traits(s.suite)
	options := make([]byte, 0, 512)
	options = append(options, '{')
	if !how.JSONLD {
		options = append(options, `"@context":`...)
		options = jcs.Append(options, root.Member("@context"))
		options = append(options, ',')
	}
	if o.challenge != nil {
		options = appendQuoted(options, `"challenge":`, o.challenge.Nonce)
		options = append(options, ',')
	}
	options = append(options, `"created":`...)
	options = appendStamp(options, o.created)
	if !how.OwnType {
		options = appendQuoted(options, `,"cryptosuite":`, s.suite.Name())
	}
	if o.challenge != nil {
		options = appendQuoted(options, `,"domain":`, o.challenge.Domain)
	}
	over := jcs.Override{Name: "proof"}
	if len(o.previous) > 0 {
		var err error
		if over.Canonical, err = matching(proofs, o.previous); err != nil {
			return nil, fmt.Errorf("vc: sign: %w", err)
		}
		options = append(options, `,"previousProof":[`...)
		for i, id := range o.previous {
			if i > 0 {
				options = append(options, ',')
			}
			options = appendQuoted(options, "", id)
		}
		options = append(options, ']')
	}
	options = appendQuoted(options, `,"proofPurpose":`, string(o.purpose))
	typ := "DataIntegrityProof"
	if how.OwnType {
		typ = s.suite.Name()
	}
	options = appendQuoted(options, `,"type":`, typ)
	options = appendQuoted(options, `,"verificationMethod":`, method)
	options = append(options, '}')

	unsecured := jcs.Append(make([]byte, 0, len(root.Raw())+64), root, over)
	proofValue, err := s.suite.Sign(s.key, unsecured, options)
	if err != nil {
		return nil, fmt.Errorf("vc: %s as %s: %w", s.suite.Name(), s.id, err)
	}
	options = append(options[:len(options)-1], `,"proofValue":`...)
	options = appendQuoted(options, "", proofValue)
	options = append(options, '}')
	signed := splice(root, existing, options)
	if len(signed) > s.limit {
		return nil, fmt.Errorf("vc: sign: %d bytes with the proof, at most %d are read", len(signed), s.limit)
	}
	return signed, nil
}

// splice returns the text of root with proof added to those it has. The text of
// every other member stays as it is.
func splice(root, existing strictjson.Value, proof []byte) []byte {
	text := root.Raw()
	out := make([]byte, 0, len(text)+len(proof)+16)
	if !existing.Exists() {
		out = append(out, text[:len(text)-1]...)
		out = append(out, `,"proof":`...)
		out = append(out, proof...)
		return append(out, '}')
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		out = appendQuoted(out, `,`, m.Name())
		out = append(out, ':')
		if m.Name() != "proof" {
			out = append(out, m.Raw()...)
			continue
		}
		out = append(out, '[')
		if m.Kind() == strictjson.Array {
			for p := m.First(); p.Exists(); p = p.Next() {
				out = append(append(out, p.Raw()...), ',')
			}
		} else {
			out = append(append(out, m.Raw()...), ',')
		}
		out = append(append(out, proof...), ']')
	}
	out[0] = '{'
	return append(out, '}')
}
