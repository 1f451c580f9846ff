package vc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxProofValue bounds proofValue, in bytes. An ordinary one has 90, the longest
// signature of a standard suite 6,300 (ML-DSA-87 in base58), and one that can be
// disclosed in part holds a signature of 64 bytes for each statement.
const maxProofValue = 128 << 10

// The members of a proof (VC Data Integrity 1.0 §2.1).
var proofMembers = []string{
	"@context", "id", "type", "cryptosuite", "proofPurpose", "verificationMethod", "created",
	"expires", "domain", "challenge", "nonce", "previousProof", "proofValue",
}

// A proof is one Data Integrity proof, read and checked for form.
type proof struct {
	value      strictjson.Value
	id         string
	suite      Suite
	method     did.URL
	created    time.Time // zero if it does not say
	expires    time.Time
	challenge  string
	domain     []string
	previous   []string // ids of the proofs it covers
	proofValue string
	holds      bool // once it was checked
}

// readProofs reads a proof, or a set of them. Every one must be of the given
// purpose and of an enabled suite: a signature that we cannot check is not one
// we may pass over, since the caller would take it for checked.
func readProofs(room []proof, v strictjson.Value, purpose did.Relationship, enabled []Suite) ([]proof, error) {
	if !v.Exists() {
		return nil, errors.New("there is no proof")
	}
	if v.Len() > MaxProofs && v.Kind() == strictjson.Array {
		return nil, fmt.Errorf("%d proofs, at most %d are read", v.Len(), MaxProofs)
	}
	proofs := room[:0]
	err := each(v, func(o strictjson.Value) error {
		p := proof{value: o}
		if err := p.read(purpose, enabled); err != nil {
			return fmt.Errorf("proof %d: %w", len(proofs), err)
		}
		if p.id != "" && slices.ContainsFunc(proofs, func(q proof) bool { return q.id == p.id }) {
			return fmt.Errorf("proof %d: another has the id %.80q", len(proofs), p.id)
		}
		proofs = append(proofs, p)
		return nil
	})
	return proofs, err
}

func (p *proof) read(purpose did.Relationship, enabled []Suite) error {
	var typ, suite, use string
	for m := p.value.First(); m.Exists(); m = m.Next() {
		var err error
		text := true // most members are strings
		switch name := m.Name(); name {
		case "type":
			typ = m.Text()
		case "cryptosuite":
			suite = m.Text()
		case "proofPurpose":
			use = m.Text()
		case "proofValue":
			p.proofValue = m.Text()
			if len(p.proofValue) > maxProofValue {
				err = fmt.Errorf("%d bytes, at most %d are read", len(p.proofValue), maxProofValue)
			}
		case "challenge":
			p.challenge = m.Text()
		case "nonce":
		case "id":
			p.id, err = readURL(m)
		case "verificationMethod":
			p.method, err = did.ParseURL(m.Text())
		case "created":
			p.created, err = readTime(m)
		case "expires":
			p.expires, err = readTime(m)
		case "domain":
			p.domain, err = readIDs(m)
			text = false
		case "previousProof":
			p.previous, err = readIDs(m)
			text = false
		case "@context":
			text = false
		default:
			text, err = false, checkCase(name, proofMembers)
		}
		if err == nil && text && m.Kind() != strictjson.String {
			err = errors.New("want a string")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
	}
	name, own := suite, typ != "DataIntegrityProof"
	if own && !p.value.Member("cryptosuite").Exists() {
		name = typ // a type older than Data Integrity 1.0, if it is enabled
	}
	i := slices.IndexFunc(enabled, func(s Suite) bool { return s.Name() == name && traits(s).OwnType == own })
	switch {
	case i < 0 && own:
		return fmt.Errorf("type is %.80q, want DataIntegrityProof", typ)
	case i < 0:
		return fmt.Errorf("cryptosuite %.80q is not enabled", suite)
	}
	p.suite = enabled[i]
	if use != string(purpose) {
		return fmt.Errorf("proofPurpose is %.80q, want %s", use, purpose)
	}
	if p.method.DID.IsZero() {
		return errors.New("verificationMethod is missing")
	}
	if p.proofValue == "" {
		return errors.New("proofValue is missing")
	}
	return nil
}

// unsecured returns what p signs beside its own options: the canonical document
// without proofs, or with those that previousProof names (VC Data Integrity 1.0 §4.5).
//
// The cryptosuites let the document list contexts after those of the proof, where
// anybody may add them. Here a proof's @context is the document's: with another it
// would be a second document, of another digest, that nobody signed.
func (p *proof) unsecured(document []byte, root strictjson.Value, proofs []proof) ([]byte, error) {
	own, theirs := p.value.Member("@context"), root.Member("@context")
	if own.Exists() && own.Raw() != theirs.Raw() && string(jcs.Append(nil, own)) != string(jcs.Append(nil, theirs)) {
		return nil, errors.New("@context of the proof is not the document's")
	}
	if p.previous == nil {
		return document, nil
	}
	previous, err := matching(proofs, p.previous)
	if err != nil {
		return nil, err
	}
	return jcs.Append(nil, root, jcs.Override{Name: "proof", Canonical: previous}), nil
}

// matching returns the canonical array of the proofs with these ids, in the
// order of the proofs, or nil for no ids.
func matching(proofs []proof, ids []string) ([]byte, error) {
	if ids == nil {
		return nil, nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(proofs, func(p proof) bool { return p.id == id }) {
			return nil, fmt.Errorf("previousProof names %.80q, which is not there", id)
		}
	}
	array := []byte{'['}
	for _, p := range proofs {
		if p.id != "" && slices.Contains(ids, p.id) {
			if len(array) > 1 {
				array = append(array, ',')
			}
			array = jcs.Append(array, p.value)
		}
	}
	return append(array, ']'), nil
}

// readIDs reads one string or a non-empty array of them, none of them empty.
func readIDs(v strictjson.Value) ([]string, error) {
	list := []strictjson.Value{v}
	if v.Kind() == strictjson.Array {
		list = slices.Collect(v.All())
	}
	if len(list) == 0 || len(list) > MaxProofs {
		return nil, fmt.Errorf("%d strings, want 1 to %d", len(list), MaxProofs)
	}
	var ids []string
	for _, e := range list {
		if e.Text() == "" {
			return nil, errors.New("want a string, or an array of strings")
		}
		ids = append(ids, e.Text())
	}
	return ids, nil
}

// checkProof checks one proof of root. The canonical document without proofs
// must have room behind it for the proof's options, or they are copied.
func (v *Verifier) checkProof(ctx context.Context, p *proof, proofs []proof, root strictjson.Value, document []byte, use did.Relationship, at did.Version) error {
	now, skew := clock(v.Now), v.skew()
	if p.created.After(now.Add(skew)) {
		return reject(ErrProof, fmt.Errorf("created %s, which is yet to come", stamp(p.created)))
	}
	if !p.expires.IsZero() && now.Add(-skew).After(p.expires) {
		return reject(ErrExpired, fmt.Errorf("the proof ended %s", stamp(p.expires)))
	}
	if err := ctx.Err(); err != nil { // a signature over RDF may take a while, and there may be several
		return fmt.Errorf("vc: proof by %s: %w", p.method, err)
	}
	key, err := v.key(ctx, v.Resolver, p.method, use, at)
	if err != nil {
		return err
	}
	signed, err := p.unsecured(document, root, proofs)
	if err != nil {
		return reject(ErrProof, err)
	}
	options := jcs.Append(document[len(document):], p.value, jcs.Override{Name: "proofValue"})
	if err := p.suite.Verify(key, signed, options, p.proofValue); err != nil {
		return reject(ErrProof, fmt.Errorf("%s by %s: %w", p.suite.Name(), p.method, err))
	}
	p.holds = true
	return nil
}

// key returns the key of a verification method, if it had this use at that time.
func (v *Verifier) key(ctx context.Context, r did.Resolver, method did.URL, use did.Relationship, at did.Version) (crypto.PublicKey, error) {
	key, err := did.Key(ctx, r, method, use, at)
	if v.CurrentKeys && errors.Is(err, did.ErrVersionUnknown) {
		key, err = did.Key(ctx, r, method, use, did.Version{})
	}
	if err != nil {
		return nil, unresolved(method, err)
	}
	return key, nil
}

// unresolved tells an answer that condemns the proof from no answer at all. A
// method or key type that this verifier does not know condemns nobody: another
// resolver, or a later release, may.
func unresolved(method did.URL, err error) error {
	unknown := errors.Is(err, did.ErrMethodNotSupported) || errors.Is(err, did.ErrKeyNotSupported)
	if did.IsAnswer(err) && !unknown {
		return reject(ErrProof, fmt.Errorf("key %s: %w", method, err))
	}
	return fmt.Errorf("vc: key %s: %w", method, err)
}
