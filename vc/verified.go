package vc

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
)

// A Verified is a credential whose proofs, terms and period were checked. Only
// a [Verifier] makes one. Everything it says is read from the very bytes that
// the proofs cover.
type Verified struct {
	model
	secured
	digest   Digest
	proofs   []proof // of an envelope: the one that it is
	statuses []StatusResult

	proofRoom [1]proof
}

// String names the credential for people: its type, digest, issuer and subject.
func (v *Verified) String() string {
	return fmt.Sprintf("%s %s by %s about %s", v.Type(), v.digest, v.issuer, v.Subject())
}

// ID returns the URL of the credential, or "" if it has none.
func (v *Verified) ID() string { return v.id }

// Issuer returns who made the statement; one of the proofs is theirs.
func (v *Verified) Issuer() did.DID { return v.issuer }

// Subject returns whom the credential is about; zero if it is not named by a
// DID. Of several subjects it is the first.
func (v *Verified) Subject() did.DID {
	if len(v.subjects) == 0 {
		return did.DID{} // the zero Verified
	}
	return v.subjects[0]
}

// Subjects returns all subjects in order, a zero DID for each not named by one.
func (v *Verified) Subjects() []did.DID { return slices.Clone(v.subjects) }

// Type returns the first type beside VerifiableCredential, or that if there is no other.
func (v *Verified) Type() string {
	for _, t := range v.types {
		if t != "VerifiableCredential" {
			return t
		}
	}
	return "VerifiableCredential"
}

// Types returns all types as listed.
func (v *Verified) Types() []string { return slices.Clone(v.types) }

// ValidFrom returns when the statement begins to hold; zero if it does not say.
func (v *Verified) ValidFrom() time.Time { return v.from }

// ValidUntil returns when it ceases to hold; zero means never.
func (v *Verified) ValidUntil() time.Time { return v.until }

// Expires returns when it would first be refused as too old: at the end of its
// own period, of its envelope's, or of one of its proofs; zero means never. Who
// keeps what was verified keeps it no longer than that.
func (v *Verified) Expires() time.Time {
	ends := v.until
	earlier := func(t time.Time) {
		if !t.IsZero() && (ends.IsZero() || t.Before(ends)) {
			ends = t
		}
	}
	if v.envelope != nil {
		earlier(v.envelope.Expires)
	}
	for _, p := range v.proofs {
		earlier(p.expires)
	}
	return ends
}

// Digest returns the name of the credential's content.
func (v *Verified) Digest() Digest { return v.digest }

// Raw returns the exact text of the credential, proofs included: JSON, or what
// its [Format] writes.
func (v *Verified) Raw() string { return v.raw }

// JSON returns the credential as it stands in other JSON, such as a
// presentation: itself, or the object that [Enveloped] makes of it.
func (v *Verified) JSON() string {
	if v.envelope == nil {
		return v.raw
	}
	return string(Enveloped(v.envelope.MediaType, []byte(v.raw)))
}

// Certificates returns the certificates that came along with it, in DER and leaf first; nil if none did. They are
// what [Verifier.Certificates] resolved its signer by.
func (v *Verified) Certificates() [][]byte {
	if v.envelope == nil {
		return nil
	}
	return slices.Clone(v.envelope.Chain)
}

// MediaType returns how the credential is secured: "application/vc" by proofs
// within it, or the media type of its [Format].
func (v *Verified) MediaType() string {
	if v.envelope == nil {
		return "application/vc"
	}
	return v.envelope.MediaType
}

// DataModel returns the version of the data model that it follows.
func (v *Verified) DataModel() DataModel { return v.version }

// Selective reports whether the holder may have left out something that the
// issuer signed. What is there is the issuer's word; that something is not there
// means nothing. The digest is of what was shown, and no longer names what was issued.
func (v *Verified) Selective() bool {
	if v.envelope != nil && v.envelope.Selective {
		return true
	}
	return slices.ContainsFunc(v.proofs, func(p proof) bool { return p.suite != nil && traits(p.suite).Selective })
}

// Rewritable reports whether the issuer signed what the credential says in RDF, and not its text. Then anybody
// can write it down in another way, such as with its types in another order: the copy verifies, and has another
// digest. Do not count or link such credentials by their digests.
func (v *Verified) Rewritable() bool { return !v.SignedTextBy(v.issuer) }

// SignedTextBy reports whether one of the proofs by id covers the text of the credential, and not only what it says in
// RDF. Whoever signed only that may find the proof on a copy of another digest, which they never saw.
func (v *Verified) SignedTextBy(id did.DID) bool {
	return slices.ContainsFunc(v.proofs, func(p proof) bool {
		return p.holds && p.method.DID == id && (p.suite == nil || !traits(p.suite).JSONLD)
	})
}

// Status returns what status lists said of it, in the order of credentialStatus.
func (v *Verified) Status() []StatusResult { return slices.Clone(v.statuses) }

// Signers returns the DIDs whose proofs hold, the issuer first, each once.
func (v *Verified) Signers() []did.DID {
	var ids []did.DID
	if v.SignedBy(v.issuer) {
		ids = append(ids, v.issuer)
	}
	for _, p := range v.proofs {
		if !slices.Contains(ids, p.method.DID) {
			ids = append(ids, p.method.DID)
		}
	}
	return ids
}

// A Signature says by which key a proof was made, and when by its own word.
type Signature struct {
	Method  did.URL   // the verification method; its DID is the signer's
	Created time.Time // zero if the proof does not say
	Suite   string    // its cryptosuite, or the media type of an envelope
}

// Signatures returns one for each proof that holds, in the order of the text,
// which nobody signs.
func (v *Verified) Signatures() []Signature {
	list := make([]Signature, 0, len(v.proofs))
	for _, p := range v.proofs {
		if p.holds {
			name := v.MediaType()
			if p.suite != nil {
				name = p.suite.Name()
			}
			list = append(list, Signature{p.method, p.created, name})
		}
	}
	return list
}

// SignedBy reports whether one of the proofs is by id.
func (v *Verified) SignedBy(id did.DID) bool {
	return slices.ContainsFunc(v.proofs, func(p proof) bool { return p.holds && p.method.DID == id })
}

// Created returns when the earliest proof says it was made; zero if none says.
// It is a claim, of any of the signers: a log's time bounds it.
func (v *Verified) Created() time.Time {
	var first time.Time
	for _, p := range v.proofs {
		if first.IsZero() || !p.created.IsZero() && p.created.Before(first) {
			first = p.created
		}
	}
	return first
}

// Member decodes a top-level member, such as "record" or "evidence", into dst.
// It returns false if the credential has no such member.
func (v *Verified) Member(name string, dst any) (bool, error) {
	m := v.root.Member(name)
	if !m.Exists() {
		return false, nil
	}
	if err := json.Unmarshal(jcs.Append(nil, m), dst); err != nil {
		return true, fmt.Errorf("vc: %s of credential %s: %w", name, v.digest, err)
	}
	return true, nil
}
