package cose

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// CWT is the form for constrained links: a CBOR Web Token (RFC 8392) whose member names and common
// values are integers, by the registry in docs/CWT-LABELS.md. It carries any credential or
// presentation without loss: what is in no registry travels as text.
//
// A document has one encoding. Whatever else decodes to it is refused. iss, sub, exp, nbf and cti
// are the document's own issuer or holder, subject, validUntil, validFrom and id, where RFC 8392
// has room for them; iat is when it was signed, if not at validFrom, and presentations have aud and
// nonce as in [Format]. kid is left out if it follows from the issuer's or holder's did:key or did:jwk.
type CWT struct{}

var _ vc.Format = CWT{}

// Recognizes implements [vc.Format].
func (CWT) Recognizes(mediaType string, raw []byte) bool {
	if mediaType != "" {
		return mediaType == MediaTypeCWT
	}
	isMap, err := payloadIsMap(raw)
	return looksLike(raw) && (isMap || err != nil)
}

// Open implements [vc.Format].
func (CWT) Open(raw []byte) (*vc.Envelope, error) {
	m, err := cosesign1.Parse(raw, vc.MaxPresentationBytes)
	if err != nil {
		return nil, err
	}
	if m.Typ != "" || m.ContentType != "" || m.Claims != nil || m.X5Chain != nil || !m.Deterministic() {
		return nil, errors.New("cose: CWT: the headers are not alg (1) and kid (4), protected and in that order")
	}

	// The claims, of which one is the document.
	var c claims
	var document []byte
	var isVP bool
	r := cbor.NewReader(m.Payload)
	err = r.Pairs(func(label cbor.Item) error {
		known, err := c.read(label, r)
		if known {
			return err
		}
		limit := vc.MaxCredentialBytes
		switch n, _ := label.Int64(); {
		case document != nil:
			return errors.New("a second document")
		case n == claimPresentation:
			isVP, limit = true, vc.MaxPresentationBytes
		case n != claimCredential:
			return errors.New("a claim that this form of CWT does not have")
		}
		if len(raw) > limit {
			return fmt.Errorf("%d bytes, at most %d are read", len(raw), limit)
		}
		d := decoder{Reader: r, limit: limit}
		document, err = d.value(nil, maxDepth)
		return err
	})
	if err == nil {
		err = r.End()
	}
	if err == nil && (len(document) < 2 || document[0] != '{') {
		err = errors.New("no credential and no presentation")
	}
	if err != nil {
		return nil, fmt.Errorf("cose: CWT: %w", err)
	}

	// The document with the claims that are its own, and the claims that are not.
	document, err = c.restore(document, isVP)
	if err != nil {
		return nil, fmt.Errorf("cose: CWT: %w", err)
	}
	doc, err := strictjson.Parse(document, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("cose: CWT: %w", err)
	}
	if c.iat.IsZero() {
		c.iat = c.nbf
	}
	e := &vc.Envelope{
		MediaType: MediaTypeCWT, Presentation: isVP, Document: jcs.Append(make([]byte, 0, len(document)), doc.Root()), Created: c.iat,
		Nonce: c.nonce, Audience: c.aud, Status: c.status, Verify: m.Verify,
	}
	by := signedBy(doc.Root(), isVP)
	if e.Method, err = method(m.Kid, by); err != nil {
		return nil, fmt.Errorf("cose: CWT: %w", err)
	}
	if !isVP && (c.aud != nil || c.nonce != "") {
		return nil, errors.New("cose: CWT: aud (3) and nonce (10) answer a challenge: a credential is for all to see")
	}

	// One encoding: the same again, or none.
	if kid := shortKid(e.Method, by); !bytes.Equal(kid, m.Kid) {
		return nil, fmt.Errorf("cose: CWT: kid (4) is %.80q, its one form here is %.80q", m.Kid, kid)
	}
	if again, err := payload(e, doc.Root()); err != nil || !bytes.Equal(again, m.Payload) {
		return nil, errors.Join(errors.New("cose: CWT: not the one encoding of this document"), err)
	}
	return e, nil
}

// Seal implements [vc.Format].
func (f CWT) Seal(key crypto.Signer, e *vc.Envelope) ([]byte, error) {
	if !e.NotBefore.IsZero() || !e.Expires.IsZero() {
		return nil, errors.New("cose: seal: nbf and exp of a CWT are the document's validFrom and validUntil")
	}
	doc, err := strictjson.Parse(e.Document, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("cose: seal: %w", err)
	}
	root := doc.Root()
	m := cosesign1.Message{Kid: shortKid(e.Method, signedBy(root, e.Presentation))}
	if m.Payload, err = payload(e, root); err != nil {
		return nil, fmt.Errorf("cose: seal: %w", err)
	}
	raw, err := cosesign1.Sign(key, &m)
	if err != nil {
		return nil, fmt.Errorf("cose: seal: %w", err)
	}
	return raw, sealed(f, raw, e, jcs.Append(nil, root))
}

// signedBy returns who is said to have signed: the issuer or holder.
func signedBy(root strictjson.Value, isVP bool) string {
	if isVP {
		return party(root.Member("holder"))
	}
	return party(root.Member("issuer"))
}

// shortKid returns kid: nothing for the one key of a did:key or did:jwk, and only the fragment for
// another of by's.
func shortKid(method did.URL, by string) []byte {
	if own := keyURL(by); !own.IsZero() && own == method {
		return nil
	}
	if method.DID.String() == by && method.Path == "" && method.Query == "" {
		return []byte(method.String()[len(by):])
	}
	return []byte(method.String())
}

// payload returns the claims of an envelope, its document among them.
func payload(e *vc.Envelope, root strictjson.Value) ([]byte, error) {
	c := claims{iat: e.Created, nonce: e.Nonce, aud: e.Audience, status: e.Status}
	rest, err := c.take(root, e.Presentation)
	if err != nil {
		return nil, err
	}
	pairs, n, err := c.append(nil)
	if err != nil {
		return nil, err
	}
	claim := int64(claimCredential)
	if e.Presentation {
		claim = claimPresentation
	}
	out := append(cbor.AppendMap(nil, n+1), pairs...)
	return new(texts).appendValue(cbor.AppendInt(out, claim), rest), nil
}

// take moves what RFC 8392 has claims for from a document to c, and returns the rest of it. A
// did:key stays, since it is shorter as bytes than iss and sub, which are text.
func (c *claims) take(root strictjson.Value, isVP bool) (strictjson.Value, error) {
	var moved []jcs.Override
	move := func(name string, rest []byte) { moved = append(moved, jcs.Override{Name: name, Canonical: rest}) }
	party, subject := "issuer", root.Member("credentialSubject")
	if isVP {
		party, subject = "holder", strictjson.Value{}
	}
	if by := root.Member(party); isText(by) {
		c.iss = by.Text()
		move(party, nil)
	}
	if isText(subject.Member("id")) {
		c.sub = subject.Member("id").Text()
		move("credentialSubject", jcs.Append(nil, subject, jcs.Override{Name: "id"}))
	}
	if id := pack(root.Member("id").Text()); len(id) > 0 && id[0] == formUUID {
		c.cti = id[1:]
		move("id", nil)
	}
	if from, ok := parseStamp(root.Member("validFrom").Text()); ok && from > 0 && !isVP {
		c.nbf = time.Unix(from, 0)
		move("validFrom", nil)
	}
	if until, ok := parseStamp(root.Member("validUntil").Text()); ok && until > 0 && !isVP {
		c.exp = time.Unix(until, 0)
		move("validUntil", nil)
	}
	if c.nbf.Equal(c.iat) {
		c.iat = time.Time{} // read says that it is nbf
	}
	rest, err := strictjson.Parse(jcs.Append(nil, root, moved...), strictjson.Limits{Bytes: vc.MaxPresentationBytes})
	if err != nil {
		return strictjson.Value{}, err
	}
	return rest.Root(), nil
}

// isText reports whether v is a DID that is text here, and no key.
func isText(v strictjson.Value) bool {
	id, err := did.Parse(v.Text())
	return err == nil && id.Method() != "key"
}

// restore is the inverse of take. Of a document that take would not have left like this, it makes
// one that is encoded differently.
func (c *claims) restore(rest []byte, isVP bool) ([]byte, error) {
	doc, err := strictjson.Parse(rest, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, err
	}
	var moved []jcs.Override
	back := func(name, text string) {
		moved = append(moved, jcs.Override{Name: name, Canonical: quote(nil, text)})
	}
	party := "issuer"
	if isVP {
		party = "holder"
	}
	if c.iss != "" {
		back(party, c.iss)
	}
	if c.sub != "" {
		subject := jcs.Append(nil, doc.Root().Member("credentialSubject"), jcs.Override{Name: "id", Canonical: quote(nil, c.sub)})
		moved = append(moved, jcs.Override{Name: "credentialSubject", Canonical: subject})
	}
	if c.cti != nil {
		id, err := unpack(append([]byte{formUUID}, c.cti...))
		if err != nil {
			return nil, fmt.Errorf("cti: %w", err)
		}
		back("id", id)
	}
	if !c.nbf.IsZero() {
		back("validFrom", stamp(c.nbf))
	}
	if !c.exp.IsZero() {
		back("validUntil", stamp(c.exp))
	}
	return jcs.Append(nil, doc.Root(), moved...), nil
}
